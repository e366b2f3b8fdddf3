"""Finds with what device a link was clicked, by its user agent."""

from dataclasses import dataclass
from functools import lru_cache

import user_agents

from models.clicks.verdict import Reason
from services.clicks.device_types import DeviceType, device_type
from tracking.verdicts.agents import reason_for

REMEMBERED = 20_000
"""User agents kept in memory with their device, about 1 kB each; a parse takes about 0.7 ms, a remembered one nothing."""


@dataclass(frozen=True)
class Device:
    """`browser` and `os` are families such as `Mobile Safari` and `iOS`, and None when they are not known."""

    type: DeviceType = DeviceType.OTHER
    browser: str | None = None
    os: str | None = None


@lru_cache(maxsize=REMEMBERED)
def read_device(user_agent: str) -> Device:
    """Reads a user agent. An empty or unknown text is of type other."""
    if not user_agent:
        return Device()
    found = user_agents.parse(user_agent)
    # A crawler that calls itself a phone is a crawler, but an app can have a crawler's name.
    is_machine = found.is_bot and reason_for(user_agent) is not Reason.BROWSER
    return Device(
        DeviceType.BOT if is_machine else device_type(user_agent), _family(found.browser.family), _family(found.os.family)
    )


def _family(name: str) -> str | None:
    return None if name == "Other" else name
