"""How long the redirect waits for others, and what it says of a part that has waited in vain."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()
Result = TypeVar("Result")

STALE_SECONDS = 5.0
"""A part that has done its work once may be silent for so long before readiness names it."""

# Tasks that nobody waits for any more: the event loop alone would let them go half done.
_abandoned: set[asyncio.Task[Any]] = set()


async def within(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` returns or raises; TimeoutError when it takes longer.

    Unlike `asyncio.timeout` it does not wait until `work` has noticed: a query that is cut short asks PostgreSQL to cancel it and
    waits for its end, which takes up to ten seconds when PostgreSQL is silent.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _abandon(task)
        raise
    if task.done():  # also when the loop was too busy to notice in time
        return task.result()
    _abandon(task)
    raise TimeoutError(f"no answer within {seconds:g} s")


def _abandon(task: asyncio.Task[Any]) -> None:
    task.cancel()
    _abandoned.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # else asyncio complains that nobody has looked


class Condition:
    """Whether a part that repeats its work is well. `problem`: what is wrong; None: nothing."""

    def __init__(self, what: str, sentence: str) -> None:
        """`what`: the work, for a reader. `sentence`: the problem until it was done for the first time."""
        self._what = what
        self._error: str | None = sentence
        self._good_at = time.monotonic()

    @property
    def problem(self) -> str | None:
        silent = time.monotonic() - self._good_at
        return self._error or (f"last {self._what} {silent:.0f} s ago" if silent > STALE_SECONDS else None)

    def good(self) -> None:
        self._error, self._good_at = None, time.monotonic()

    def bad(self, error: Exception, consequence: str) -> None:
        if self._error is None:
            log.warning(consequence, error=str(error))
        self._error = str(error).splitlines()[0] if str(error) else type(error).__name__
