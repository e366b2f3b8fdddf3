"""A role's signs of life, which stop when its event loop hangs: a file for the supervisor on this machine, and a row for health.

They are separate, because a database that is away must not make a healthy role look dead.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from models.database import Database
from models.platform import heartbeat

log = structlog.get_logger()

FILE_SECONDS, ROW_SECONDS = 2.0, 4.0
"""Health calls a role late 30 s after its last row, so it knows of a hanging one within 30 s."""


async def _always() -> bool:
    return True


@asynccontextmanager
async def signs_of_life(
    role: str,
    file: Path,
    database: Database,
    works: Callable[[], Awaitable[bool]] = _always,
    about: Callable[[], Mapping[str, Any]] = dict,
) -> AsyncIterator[None]:
    """Shows signs of life while the block runs. Without `works`, as for a worker that does not reach Temporal, there is no row.
    `about` is what the row says of this process."""
    tasks = [asyncio.create_task(_touch_always(file)), asyncio.create_task(_write(role, database, works, about))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _touch_always(file: Path) -> None:
    """Runs in a thread of its own, so that no disk holds up the event loop, and no other work the sign of life."""
    thread, loop = ThreadPoolExecutor(1, "sign-of-life"), asyncio.get_running_loop()
    try:
        while True:
            await loop.run_in_executor(thread, _touch, file)
            await asyncio.sleep(FILE_SECONDS)
    finally:
        thread.shutdown(wait=False)


def _touch(file: Path) -> None:
    with contextlib.suppress(OSError):  # a role on another machine may have no VAR_DIR, and nobody looks
        file.parent.mkdir(exist_ok=True)  # its parent is not created, so that a removed VAR_DIR stays removed
        file.touch()


async def _write(
    role: str, database: Database, works: Callable[[], Awaitable[bool]], about: Callable[[], Mapping[str, Any]]
) -> None:
    instance, well = f"{os.getpid()}@{socket.gethostname()}", True
    while True:
        try:
            if await works():
                async with database.transaction() as session:
                    await heartbeat.beat(session, role, instance, about())
            well = True
        except Exception as error:  # whatever the error is, health names what is away
            if well:
                log.warning("no sign of life could be written", role=role, error=error)
            well = False
        await asyncio.sleep(ROW_SECONDS)
