"""Writes live events as the triggers do, about rows that need not be there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.database import Database

ADD = """
INSERT INTO live_event (org_id, kind, state, row_id, campaign_id) VALUES (:org_id, 'message', 'accepted', :id, :campaign_id)
"""


@asynccontextmanager
async def adding(database: Database, org_id: UUID, *ids: UUID, campaign_id: UUID | None = None) -> AsyncIterator[AsyncSession]:
    """A transaction with an event about each of these rows, which ends with the block."""
    async with database.transaction() as session:
        for each in ids:
            await session.execute(text(ADD), {"org_id": org_id, "id": each, "campaign_id": campaign_id})
        yield session


async def add(database: Database, org_id: UUID, *ids: UUID, campaign_id: UUID | None = None) -> None:
    async with adding(database, org_id, *ids, campaign_id=campaign_id):
        pass


def some_ids(count: int) -> list[UUID]:
    return [uuid4() for _ in range(count)]


def messages(ids: list[UUID]) -> list[tuple[str, str]]:
    """What streams tell of these rows, as `rows_of` shows it."""
    return [("message", str(each)) for each in ids]
