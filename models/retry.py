"""When work that failed is tried again: signals of clicks, commands, and starts of workflows wait by one rule."""

from dataclasses import dataclass
from datetime import timedelta

FIRST_RETRY, LAST_RETRY = timedelta(seconds=1), timedelta(minutes=5)


@dataclass(frozen=True)
class Postponed:
    """A row could not be worked on because of `error`, and is due again after `delay`."""

    delay: timedelta
    error: str


def retry_delay(attempts: int) -> timedelta:
    """Returns 1 s, 2 s, 4 s … and at most 5 minutes. `attempts` counts from 1."""
    return min(FIRST_RETRY * int(2 ** min(attempts - 1, 20)), LAST_RETRY)
