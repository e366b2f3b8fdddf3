"""Ending background loops gently: a query that is cut short would leave its connection open."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

CLOSE_SECONDS = 5.0


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Returns early when it is time to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def finish(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """The loops have been told to stop: wait for what they are doing, at most 5 seconds."""
    tasks = list(tasks)
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
