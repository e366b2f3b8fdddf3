"""One organization never holds up another: some of its requests are at work at once, some more wait, and the rest are refused."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from models.errors import TooManyRequests

PATIENCE = 10.0
"""Seconds for which a request waits for its turn: below the time in which every request is answered
(`api/http/time_limit.py`)."""


class _Line:
    """The requests that wait for each other. `present` counts those at work and those that wait."""

    def __init__(self, at_once: int) -> None:
        self.turns = asyncio.Semaphore(at_once)
        self.present = 0


class Turns:
    """`at_once` requests of an organization are at work in this process, and `waiting` more wait, in the order in which they
    came. A request that waits holds no connection. As long as the organization is not known, the line is that of a key or of a
    browser's session."""

    def __init__(self, at_once: int, waiting: int, kind: str = "requests") -> None:
        self._at_once, self._waiting, self._kind = at_once, waiting, kind
        self._lines: dict[Hashable, _Line] = {}

    def require_room(self, whose: Hashable) -> None:
        """Raises TooManyRequests when another request would be refused now."""
        line = self._lines.get(whose)
        if line is not None and line.present >= self._at_once + self._waiting:
            raise self._refusal()

    @asynccontextmanager
    async def turn(self, whose: Hashable) -> AsyncIterator[None]:
        """Raises TooManyRequests when too many wait already, or when none of those at work ends in time."""
        self.require_room(whose)
        line = self._lines.setdefault(whose, _Line(self._at_once))
        line.present += 1
        try:
            await self._wait(line)
            try:
                yield
            finally:
                line.turns.release()
        finally:
            line.present -= 1
            if not line.present:
                del self._lines[whose]

    async def _wait(self, line: _Line) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await line.turns.acquire()
        except TimeoutError:
            raise self._refusal() from None

    def _refusal(self) -> TooManyRequests:
        waiting = f"{self._waiting} may wait" + (f" for {PATIENCE:g} s each" if self._waiting else "")
        return TooManyRequests(
            f"Of your organization's {self._kind}, {self._at_once} may be at work at once and {waiting}. "
            "Send fewer at a time, and this one again."
        )
