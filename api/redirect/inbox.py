"""Where clicks go into PostgreSQL, and what became of them. The SQL is in `models/click_inbox.py`."""

import asyncio
import contextlib
import struct
from collections.abc import Sequence

import psycopg

from models.click_connection import ClickConnection
from models.click_inbox import STATEMENTS, InboxClick, LinkOfRecipient, store_clicks

COMMIT_SECONDS = 10.0
# What is wrong with a click itself; everything else is wrong with PostgreSQL, and passes.
REFUSED = (psycopg.DataError, psycopg.IntegrityError, ValueError, struct.error)


class Away(Exception):
    """PostgreSQL cannot be reached or did not answer. What was asked for may have happened all the same."""


class Refused(Exception):
    """PostgreSQL does not take these clicks, or one of them."""


class Inbox:
    """One connection, made when it is needed and made anew after an error. One call at a time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: ClickConnection | None = None

    async def store(self, clicks: Sequence[InboxClick], waking: Sequence[InboxClick]) -> list[LinkOfRecipient]:
        """See `store_clicks`. Raises Away or Refused."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                return await store_clicks(await self._connected(), clicks, waking)
        except REFUSED as error:
            raise Refused(str(error)) from error
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self.close()
            raise Away(_reason(error)) from error

    async def connect(self) -> None:
        """Raises Away."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await (await self._connected()).ping()  # an old connection may be a dead one
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self.close()
            raise Away(_reason(error)) from error

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()

    async def _connected(self) -> ClickConnection:
        if self._connection is None:
            self._connection = await ClickConnection.open(self.url, STATEMENTS)
        return self._connection


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
