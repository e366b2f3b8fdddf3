"""Reads for streams that are behind, from the database. They have a gate of their own, so that they hold up neither other
organizations nor other requests of their own."""

import asyncio
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from api.events.feed import ShownEvent
from api.events.live_events import shown_events
from models.database import Database
from models.live.cursor import Cursor, Snapshot
from models.live.event_filter import EventFilter
from models.live.read import read_between
from services.process.turns import Turns

OF_ORGANIZATION, OF_PROCESS = 1, 3
"""Pages that are read at once. Each stream waits for its next page in line with the others, and the rest of the connections is
for requests."""


class MissedPage(NamedTuple):
    """`end` is the place behind everything that was looked at. It is None when nothing more is missing."""

    events: list[ShownEvent]
    end: Cursor | None


class MissedEvents:
    """The pages of one process. Every stream that an organization may have finds room to wait."""

    def __init__(self, database: Database, most_streams: int) -> None:
        self._database = database
        self._turns = Turns(OF_ORGANIZATION, most_streams, "streams that are behind")
        self._pages = asyncio.Semaphore(OF_PROCESS)

    async def page(self, org_id: UUID, after: Cursor, until: Snapshot, wanted: EventFilter, most: int) -> MissedPage:
        """Returns the organization's next wanted events behind the cursor that are visible in `until`."""
        async with self._turns.turn(org_id), self._pages, self._database.statement() as session:
            page = await read_between(session, org_id, after, until, wanted, most)
            events = await shown_events(session, after, until, page.events)
        return MissedPage(events, None if page.last is None else replace(after, until=until, last=page.last))
