"""Limits how long to wait for others, because PostgreSQL and Temporal can be silent without being gone."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from safe_errors import OwnWords

Result = TypeVar("Result")

# Tasks that nobody waits for any more. The event loop alone would let them be collected before they are done.
_abandoned: set[asyncio.Task[Any]] = set()


class NoAnswer(OwnWords, TimeoutError):
    """The work took longer than its time."""


async def within(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """Returns or raises what `work` does. Raises NoAnswer, a TimeoutError, when it takes longer.

    Unlike `asyncio.timeout` it does not wait until `work` has noticed: a query that is cut short asks PostgreSQL to cancel it and
    waits for its end, which takes up to ten seconds when PostgreSQL is silent.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        abandon(task)
        raise
    if task.done():  # also catches the case in which the loop was too busy to notice in time
        return task.result()
    abandon(task)
    raise NoAnswer(f"no answer within {seconds:g} s")


def abandon(task: asyncio.Task[Any]) -> None:
    """Asks the task to end, and lets it end when it can."""
    task.cancel()
    _abandoned.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # without this, asyncio complains that nobody has looked
