"""Brings clicks into PostgreSQL, and says what became of them. The SQL is in `models/clicks/inbox.py`."""

import asyncio
import contextlib
import struct
from collections.abc import Sequence

import psycopg

from models.clicks.connection import ClickConnection
from models.clicks.inbox import STATEMENTS, InboxClick, LinkOfRecipient, store_clicks
from safe_errors import OwnWords, describe

COMMIT_SECONDS = 10.0
# Errors of a click itself. Every other error is one of PostgreSQL, and passes.
REFUSED = (psycopg.DataError, psycopg.IntegrityError, ValueError, struct.error)


class Away(OwnWords):
    """PostgreSQL cannot be reached or did not answer. What was asked for may have happened all the same."""


class Refused(OwnWords):
    """PostgreSQL does not take these clicks, or one of them."""


class Inbox:
    """One connection, which is opened when it is needed and again after an error. It makes one call at a time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: ClickConnection | None = None

    async def store(self, clicks: Sequence[InboxClick], waking: Sequence[InboxClick]) -> list[LinkOfRecipient]:
        """See `store_clicks`. Raises Away or Refused."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                return await store_clicks(await self._connected(), clicks, waking)
        except REFUSED as error:
            raise Refused(describe(error)) from error
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self.close()
            raise Away(describe(error)) from error

    async def connect(self) -> None:
        """Raises Away."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await (await self._connected()).ping()  # an old connection may be a dead one
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self.close()
            raise Away(describe(error)) from error

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()

    async def _connected(self) -> ClickConnection:
        if self._connection is None:
            self._connection = await ClickConnection.open(self.url, STATEMENTS)
        return self._connection
