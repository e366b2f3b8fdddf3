"""How long a drill waits: for a condition, for as long as something changes, and with what words it gives up."""

import asyncio
import time
from collections.abc import Awaitable, Callable

HEAL_SECONDS = 300.0
"""The most that a machine which does much else needs to start a role again, and for a crash point to be reached. A quiet one
needs some seconds."""
POLL_SECONDS = 0.05


class DrillError(Exception):
    """The drill cannot go on, or a fault had no effect; the message says why."""


class Patience:
    """Is over when nothing has changed for so many seconds, however long everything takes: a slow machine needs more time for the
    same, and one that hangs changes nothing."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._seen: object = None
        self._since = clock()

    def is_over(self, state: object) -> bool:
        """`state` is what should change until all is done."""
        if state != self._seen:
            self._seen, self._since = state, self._clock()
        return self._clock() - self._since > self._seconds


async def until(what: str, look: Callable[[], Awaitable[bool]], seconds: float = HEAL_SECONDS) -> None:
    """Raises DrillError when the condition does not become true."""
    end = time.monotonic() + seconds
    while not await look():
        if time.monotonic() > end:
            raise DrillError(f"Not within {seconds:.0f} s: {what}.")
        await asyncio.sleep(POLL_SECONDS)
