"""One line of plain English for a click, and why it has its verdict."""

from models.clicks.verdict import CORRECTED, Reason, Verdict
from models.reports.click_feed import FeedClick
from services.clicks.device_types import DeviceType

REASONS: dict[str, str] = {
    Reason.BROWSER: "a browser that people use",
    Reason.PREFETCH: "a browser loaded it ahead, nobody clicked",
    Reason.NO_AGENT: "it did not say what it is, as every browser does",
    Reason.PREVIEWER: "a messenger, network or mail service made a preview",
    Reason.SCANNER: "a mail gateway or security service looked at the link",
    Reason.LIBRARY: "a program's HTTP library or a command line tool",
    Reason.AUTOMATION: "a browser driven by a program",
    Reason.CRAWLER: "a search engine, monitor or other machine that says what it is",
    Reason.NOT_A_BROWSER: "it names neither a browser's engine nor a phone",
    Reason.APP: "an app's own network code, mostly for a preview",
    Reason.BURST: "several links of the message within seconds, as scanners do",
    Reason.EARLY: "within seconds of the send, before anybody can have read it",
    CORRECTED: "somebody of the organization said so",
}
DEVICES = {"phone": "a phone", "tablet": "a tablet", "desktop": "a desktop computer", DeviceType.BOT: "a machine"}


def reason_in_words(reason: str) -> str:
    """Returns for example `a browser that people use`. A word that is not known stays as it is."""
    return next((words for known, words in REASONS.items() if known == reason), reason)


def click_sentence(click: FeedClick) -> str:
    """Returns for example `clicked 'offer' in Berlin, DE, on a phone`, or `clicked a link (bot)`."""
    link = f"'{click.link_name}'" if click.link_name else "a link"
    place = ", ".join(each for each in (click.city, click.country) if each)
    device = DEVICES.get(click.device_type or "")
    where = f" in {place}" if place else ""
    by = f"{',' if place else ''} on {device}" if device else ""
    return f"clicked {link}{where}{by}" + ("" if click.verdict == Verdict.HUMAN else f" ({click.verdict})")
