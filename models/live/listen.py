"""A connection that PostgreSQL notifies of live events, and on which they are read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.database import REQUESTS, Database
from models.live.live_event import CHANNEL

NAME = "linkwake-live-events"
"""What the connection is called in `pg_stat_activity`."""


class Listener:
    """`session` runs each statement as a transaction of its own, so that notifications come between them."""

    def __init__(self, session: AsyncSession, driver: Any, wake: asyncio.Event) -> None:
        self.session = session
        self._driver, self._wake = driver, wake

    async def wait(self, seconds: float) -> None:
        """Returns when the server has said something, when `wake` is set, or after this time. That a connection is broken shows
        in the next statement."""
        loop, socket = asyncio.get_running_loop(), self._driver.fileno()
        loop.add_reader(socket, self._wake.set)
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        finally:
            loop.remove_reader(socket)


@asynccontextmanager
async def listening(url: str, wake: asyncio.Event) -> AsyncIterator[Listener]:
    """`wake` is set as well when a notification comes with the answer to a statement."""
    database = Database(url, 1, patience=REQUESTS)
    try:
        async with database.statement() as session:
            await session.execute(text(f"SET application_name = '{NAME}'"))
            await session.execute(text(f"LISTEN {CHANNEL}"))
            driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
            driver.add_notify_handler(lambda _: wake.set())
            yield Listener(session, driver, wake)
    finally:
        await database.close()
