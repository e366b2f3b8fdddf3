"""Places in PostgreSQL for requests to unsubscribe: an organization whose requests wait for a lock takes one, and no other's."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary

from models.database import Database
from models.messages.recipient import organizations_of

KNOWN = 50_000
"""Contents whose organization is kept in memory."""


class Places:
    """`at_once` requests are under way at one time, and one of each organization, in the order in which they came."""

    def __init__(self, at_once: int) -> None:
        self._all = asyncio.Semaphore(at_once)
        self._own: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, org_id: UUID) -> AsyncIterator[None]:
        own = self._own.get(org_id)
        if own is None:
            own = self._own[org_id] = asyncio.Semaphore(1)
        async with own, self._all:
            yield


class ContentOrganizations:
    """Which organization a content is of. That never changes."""

    def __init__(self) -> None:
        self._known: dict[int, UUID] = {}
        self._asking = asyncio.Lock()

    async def find(self, database: Database, content_ids: Collection[int]) -> dict[int, UUID]:
        """Contents that do not exist are left out."""
        async with self._asking:  # so that many who ask for the same content ask once
            known = {each: self._known[each] for each in content_ids if each in self._known}
            unknown = set(content_ids) - known.keys()
            if not unknown:
                return known
            async with database.statement() as session:
                found = await organizations_of(session, unknown)
            if len(self._known) + len(found) > KNOWN:
                self._known.clear()
            self._known |= found
            return known | found
