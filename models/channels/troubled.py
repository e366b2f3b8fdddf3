"""Channels that send nothing because they are paused, or whose last test failed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel

OF_ORGANIZATION = text("""
SELECT * FROM channel WHERE org_id = :org_id AND archived_at IS NULL AND (paused_at IS NOT NULL OR test_error IS NOT NULL)
 ORDER BY paused_at NULLS LAST, name LIMIT :limit
""")
OF_CONTENTS = text("""
SELECT * FROM channel WHERE id IN (SELECT channel_id FROM content WHERE id = ANY(CAST(:content_ids AS int[])))
   AND archived_at IS NULL AND (paused_at IS NOT NULL OR test_error IS NOT NULL)
 ORDER BY paused_at NULLS LAST, name LIMIT :limit
""")
PAUSED = text("SELECT count(*), min(paused_at) FROM channel WHERE paused_at IS NOT NULL AND archived_at IS NULL")


class Paused(NamedTuple):
    """How many channels are paused, of all organizations, and since when the first of them is."""

    channels: int
    oldest: datetime | None


async def troubled_channels(session: AsyncSession, org_id: UUID, limit: int) -> Sequence[Channel]:
    """Returns those of the organization, at most `limit`, the longest paused first."""
    found = await session.scalars(select(Channel).from_statement(OF_ORGANIZATION), {"org_id": org_id, "limit": limit})
    return found.all()


async def troubled_channels_of(session: AsyncSession, content_ids: Collection[int], limit: int) -> Sequence[Channel]:
    """The same of the channels by which these texts are sent."""
    about = {"content_ids": list(content_ids), "limit": limit}
    return (await session.scalars(select(Channel).from_statement(OF_CONTENTS), about)).all()


async def paused_channels(session: AsyncSession) -> Paused:
    return Paused(*(await session.execute(PAUSED)).one())
