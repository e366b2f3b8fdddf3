"""A bell for work that was committed just now, rung at most a few times a second however often somebody presses it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

log = structlog.get_logger()

PAUSE = 0.25
"""Seconds between two rings. Each is a signal and perhaps an activity, so a workflow gets at most four a second of a process."""


class Doorbell:
    """`ring` is what happens. It may fail: whoever looks after the work looks by a timer as well."""

    def __init__(self, ring: Callable[[], Awaitable[None]], pause: float = PAUSE) -> None:
        self._ring = ring
        self._pause = pause
        self._free_at = 0.0
        self._next: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def press(self) -> None:
        """Returns at once. The bell rings now, or when the pause after its last ring is over, and once for all who press it
        until then."""
        if self._next is None:
            self._next = asyncio.create_task(self._later())
            self._under_way.add(self._next)
            self._next.add_done_callback(self._under_way.discard)

    async def _later(self) -> None:
        await asyncio.sleep(max(0.0, self._free_at - monotonic()))
        self._free_at, self._next = monotonic() + self._pause, None  # whoever presses from now on is not heard by this ring
        try:
            await self._ring()
        except Exception as error:
            log.info("a wake was lost, so the work waits for its sweeper's timer", error=error)
