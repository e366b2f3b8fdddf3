"""Ends background loops gently, because a query that is cut short would leave its connection open."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

CLOSE_SECONDS = 5.0


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Waits for the pause, but no longer than until it is time to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def finish(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Waits for what the loops are doing after they were told to stop, at most 5 seconds."""
    tasks = list(tasks)
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
