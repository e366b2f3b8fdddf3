"""Tells by a User-Agent who sends it: a person's browser, an app, or one of the many kinds of machines.

There are four looks, from the surest to the broadest: names of previewers, scanners, libraries and automation; words and signs
that only machines use; the list of `crawler-user-agents` and the devices that `ua-parser` calls Spider; and last the shape,
because everything that people browse with says which engine or which phone it is.

A complete browser agent (system, then engine) outweighs words: apps put their own names behind it, and an app can be called
anything. In such an agent only the names of machines count, and the ways in which a machine says what it is. In a desktop's agent
some more names count, and those of the list as whole products, because machines that pretend to be browsers pretend to be
desktops.
"""

import functools
import re
from collections.abc import Iterable

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser import parse_device

from models.clicks.verdict import Reason
from tracking.templates.literals import Signs
from tracking.verdicts.machines import APPS, AUTOMATION, CRAWLERS, ENGINES, HARMLESS, LIBRARIES, PREVIEWERS, SCANNERS, TOO_BROAD
from tracking.verdicts.named_machines import NAMED, NOT_BESIDE_A_BROWSER, ON_DESKTOPS

MAX_AGENT = 512  # characters that are looked at; nearly all real agents are shorter


_PLAIN = re.compile(r"(?:[\w /;:@!<>=',~&\"-]|\\[./()+-])+")


def _listed() -> tuple[list[str], list[str]]:
    """Returns the list's patterns: those that are fixed strings, and the few others."""
    patterns = [entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA if entry["pattern"] not in TOO_BROAD]
    plain = [re.sub(r"\\(.)", r"\1", pattern) for pattern in patterns if _PLAIN.fullmatch(pattern)]
    return plain, [pattern for pattern in patterns if not _PLAIN.fullmatch(pattern)]


def _whole(names: Iterable[str]) -> re.Pattern[str]:
    """Matches any of the names where a product stands alone, with its version or without."""
    alone = sorted({name.rstrip("/ ") for name in names}.difference(NOT_BESIDE_A_BROWSER), key=len, reverse=True)
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, alone))})(?![\w-])")


_PLAIN_NAMES, _OTHER_NAMES = _listed()
_LISTED = Signs(words=_PLAIN_NAMES)  # at the start of a word
_LISTED_OTHERS = re.compile("|".join(f"(?:{pattern})" for pattern in _OTHER_NAMES))
_LISTED_ALONE = _whole(_PLAIN_NAMES)
_HARMLESS = [(glance, re.compile(pattern, re.IGNORECASE)) for glance, pattern in HARMLESS]


# The beginning of a person's browser agent, on whatever it runs. The system's comment can contain a comment of its own (`moto g
# (5)`).
_PHONE = (
    r"iphone|ipad|ipod|linux; (?:u; )?(?:arm_64; )?android|android|mobile|phone;|tablet;|bb10|smart-tv|web0s|playstation|nintendo"
)
_DESKTOP = r"windows|macintosh|x11|linux|pc;"
_COMPLETE = re.compile(
    rf"mozilla/5\.0 \((?:(?P<phone>{_PHONE})|{_DESKTOP})(?![^()]*compatible)(?:[^()]|\([^()]*\))*\)\s*"
    r"(?:applewebkit/\S+ \(khtml, like gecko\)|gecko/\S+ firefox/)"
)


@functools.lru_cache(maxsize=8192)
def reason_for(agent: str) -> Reason:
    """Returns the reason for a click with this User-Agent, which is not empty. The results for the most recent agents are
    remembered."""
    agent = agent[:MAX_AGENT].strip()
    lower = agent.lower()
    for glance, pattern in _HARMLESS:
        if glance in lower:
            agent = pattern.sub("", agent)
    browser = _COMPLETE.match(lower)
    return _reason_beside_browser(agent, browser["phone"] is not None) if browser else _reason_of_others(agent, lower)


def _reason_beside_browser(agent: str, phone: bool) -> Reason:
    """Returns the reason for an agent that is complete without what stands beside the browser: an app's name, or a machine's."""
    lower = agent.lower()
    for reason, signs in NAMED.items() if phone else (*NAMED.items(), *ON_DESKTOPS.items()):
        if lower in signs:
            return reason
    return Reason.CRAWLER if not phone and _LISTED_ALONE.search(agent) else Reason.BROWSER


def _reason_of_others(agent: str, lower: str) -> Reason:
    """`lower` is the whole agent; `agent` is the same without what only looks like a machine."""
    if lower in PREVIEWERS:
        return Reason.PREVIEWER
    if lower in SCANNERS:
        return Reason.SCANNER
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


parse_device("")  # makes the library read its thousand patterns now instead of at the first click
