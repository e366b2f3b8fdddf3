"""With what a link was clicked, by its user agent."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import user_agents

REMEMBERED = 20_000
"""User agents kept in memory with their device, about 1 kB each; a parse takes about 0.7 ms, a remembered one nothing."""


class DeviceType(StrEnum):
    PHONE = "phone"
    TABLET = "tablet"
    DESKTOP = "desktop"
    BOT = "bot"
    OTHER = "other"


@dataclass(frozen=True)
class Device:
    """`browser` and `os` are families such as `Mobile Safari` and `iOS`; None: not known."""

    type: DeviceType = DeviceType.OTHER
    browser: str | None = None
    os: str | None = None


@lru_cache(maxsize=REMEMBERED)
def read_device(user_agent: str) -> Device:
    """Empty or unknown text is of type other."""
    if not user_agent:
        return Device()
    found = user_agents.parse(user_agent)
    return Device(_type(found), _family(found.browser.family), _family(found.os.family))


def _type(found: user_agents.parsers.UserAgent) -> DeviceType:
    # A crawler that calls itself a phone is a crawler; some tablets count as mobile as well.
    kinds = (
        (found.is_bot, DeviceType.BOT),
        (found.is_tablet, DeviceType.TABLET),
        (found.is_mobile, DeviceType.PHONE),
        (found.is_pc, DeviceType.DESKTOP),
    )
    return next((kind for fits, kind in kinds if fits), DeviceType.OTHER)


def _family(name: str) -> str | None:
    return None if name == "Other" else name
