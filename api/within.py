"""How long to wait for others: PostgreSQL and Temporal can be silent without being gone."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

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
        abandon(task)
        raise
    if task.done():  # also when the loop was too busy to notice in time
        return task.result()
    abandon(task)
    raise TimeoutError(f"no answer within {seconds:g} s")


def abandon(task: asyncio.Task[Any]) -> None:
    """Ask it to end, and let it end when it can."""
    task.cancel()
    _abandoned.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # else asyncio complains that nobody has looked
