"""The words for who clicked: a verdict on every click, and the reason for it. No other file lists them.

The reasons that one request shows are chosen in `tracking/verdicts/reason.py`. Two need more than one request: `burst`
is given in `models/clicks/holds.py` and `early` in `models/clicks/early.py`.
"""

from enum import StrEnum


class Verdict(StrEnum):
    """Whether a person clicked. Nothing is dropped because of it, but only a person's click wakes a workflow."""

    HUMAN = "human"
    SUSPECT = "suspect"
    BOT = "bot"


class Reason(StrEnum):
    """Why a click got its verdict. The set is closed, stored with the click and shown to people, and each reason always comes
    with the same verdict. Beside them there is CORRECTED."""

    BROWSER = "browser"  # human: a browser, or an app's browser, that people use
    PREFETCH = "prefetch"  # bot: a browser loads ahead; nobody has clicked
    NO_AGENT = "no_agent"  # bot: every browser names itself
    PREVIEWER = "previewer"  # bot: a messenger, network or mail service makes a preview
    SCANNER = "scanner"  # bot: a mail gateway or security service looks at the link
    LIBRARY = "library"  # bot: a program's HTTP library or a command line tool
    AUTOMATION = "automation"  # bot: a browser driven by a program
    CRAWLER = "crawler"  # bot: search engines, monitors, feed readers and all others that say what they are
    NOT_A_BROWSER = "not_a_browser"  # bot: names neither an engine nor a phone
    APP = "app"  # suspect: an app's own network code; mostly previews, sometimes what a person asked for
    BURST = "burst"  # suspect: several links of one message within seconds, as scanners do
    EARLY = "early"  # suspect: within seconds of the send, before anybody can have read it

    @property
    def verdict(self) -> Verdict:
        return _NOT_BOTS.get(self, Verdict.BOT)


CORRECTED = "corrected"
"""The reason of a click whose verdict somebody has changed. It comes with every verdict."""

_NOT_BOTS = {
    Reason.BROWSER: Verdict.HUMAN,
    Reason.APP: Verdict.SUSPECT,
    Reason.BURST: Verdict.SUSPECT,
    Reason.EARLY: Verdict.SUSPECT,
}
