"""Tells Temporal that this worker is alive, however slow the work is for which it waits. A worker that has died is noticed within
seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

BEAT_SECONDS = 5.0


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """In an activity, sends a heartbeat at once and every five seconds until the block ends. Each needs the worker's loop, so a
    worker that hangs is noticed as well."""
    task = asyncio.create_task(_beat())
    try:
        yield
    finally:
        task.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(BEAT_SECONDS)
