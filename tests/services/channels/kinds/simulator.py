"""The simulator has no server but the database, and it takes everything."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from models.channels.channel import Medium
from models.channels.simulator_inbox import read_inbox
from models.database import Database
from models.paging import PageRequest
from tests.services.channels.kinds.base import Behaviour, Received, StandIn


class SimulatorStandIn:
    secrets: Sequence[str] = ()
    behaviours = frozenset({Behaviour.TAKES})
    tls: ssl.SSLContext | None = None

    def __init__(self, database: Database, medium: Medium) -> None:
        self.config: dict[str, Any] = {}
        self._database = database
        self.to_address = "+4915112345678" if medium == Medium.SMS else "ada@example.com"

    async def behave(self, how: Behaviour) -> None:
        assert how == Behaviour.TAKES

    async def received(self, channel_id: UUID) -> Sequence[Received]:
        async with self._database.statement() as session:
            rows, _ = await read_inbox(session, channel_id, None, PageRequest(limit=100))
        return [Received(row.to_address, row.body, row.message_id) for row in reversed(rows)]


@asynccontextmanager
async def running(database: Database, medium: Medium) -> AsyncIterator[StandIn]:
    yield SimulatorStandIn(database, medium)
