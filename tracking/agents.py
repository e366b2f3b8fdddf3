"""What a User-Agent says about who sends it: a person's browser, an app, or one of the many kinds of machines.

Four looks, from the surest to the broadest: names of previewers, scanners, libraries and automation; words and signs
that only machines use; the list of `crawler-user-agents` and the devices that `ua-parser` calls Spider; and last the
shape, because everything that people browse with says which engine or which phone it is.
"""

import functools
import re
from enum import StrEnum

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser import parse_device

from tracking.literals import Signs
from tracking.machines import APPS, AUTOMATION, CRAWLERS, ENGINES, HARMLESS, LIBRARIES, PREVIEWERS, SCANNERS, TOO_BROAD

MAX_AGENT = 512  # characters that are looked at; nearly all real ones are shorter


class Reason(StrEnum):
    """Why a click got its verdict; a closed set, stored with the click and shown to people."""

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
    BURST = "burst"  # suspect: several links of one message within seconds, as scanners do (`tracking/burst.py`)
    EARLY = "early"  # suspect: within seconds of the send, before anybody can have read it (`models/early.py`)


_PLAIN = re.compile(r"(?:[\w /;:@!<>=',~&\"-]|\\[./()+-])+")


def _listed() -> tuple[Signs, re.Pattern[str]]:
    """The list's patterns: fixed strings as one tree that begins at the start of a word, and the few others."""
    patterns = [entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA if entry["pattern"] not in TOO_BROAD]
    plain = [re.sub(r"\\(.)", r"\1", pattern) for pattern in patterns if _PLAIN.fullmatch(pattern)]
    others = [pattern for pattern in patterns if not _PLAIN.fullmatch(pattern)]
    return Signs(words=plain), re.compile("|".join(f"(?:{pattern})" for pattern in others))


_LISTED, _LISTED_OTHERS = _listed()
_HARMLESS = [(glance, re.compile(pattern, re.IGNORECASE)) for glance, pattern in HARMLESS]


@functools.lru_cache(maxsize=8192)
def reason_for(agent: str) -> Reason:
    """The reason for a click with this User-Agent, which is not empty. Remembered for the most recent ones."""
    agent = agent[:MAX_AGENT].strip()
    lower = agent.lower()
    if lower in PREVIEWERS:
        return Reason.PREVIEWER
    if lower in SCANNERS:
        return Reason.SCANNER
    for glance, pattern in _HARMLESS:
        if glance in lower:
            agent = pattern.sub("", agent)
    return _reason_by_words(agent) or _reason_by_shape(lower)


def _reason_by_words(agent: str) -> Reason | None:
    lower = agent.lower()
    if lower in LIBRARIES:
        return Reason.LIBRARY
    if lower in AUTOMATION:
        return Reason.AUTOMATION
    if lower in CRAWLERS or agent in _LISTED or _LISTED_OTHERS.search(agent) or _is_spider(agent):
        return Reason.CRAWLER
    return None


def _is_spider(agent: str) -> bool:
    device = parse_device(agent)
    return device is not None and device.family == "Spider"


def _reason_by_shape(lower: str) -> Reason:
    if lower in ENGINES:
        return Reason.BROWSER
    return Reason.APP if lower in APPS else Reason.NOT_A_BROWSER


parse_device("")  # reads its thousand patterns now instead of at the first click
