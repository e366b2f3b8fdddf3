"""What a notification tells of clicks: where they came from, and the name of the campaign or sequence."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.campaigns.campaign import Campaign
from models.clicks.click import ClickMetadata
from models.notifications.items import Place
from models.sequences.sequence import Sequence as SequenceTable


async def places_of_clicks(session: AsyncSession, click_ids: Sequence[UUID]) -> dict[UUID, Place]:
    """Clicks whose metadata was off are left out."""
    rows = await session.scalars(select(ClickMetadata).where(col(ClickMetadata.click_id).in_(click_ids)))
    return {row.click_id: Place(row.country, row.city, row.device_type) for row in rows}


async def source_name(session: AsyncSession, campaign_id: UUID | None, sequence_id: UUID | None) -> str | None:
    """Returns the name that the campaign or the sequence has now."""
    if campaign_id is not None:
        return await session.scalar(select(col(Campaign.name)).where(col(Campaign.id) == campaign_id))
    return await session.scalar(select(col(SequenceTable.name)).where(col(SequenceTable.id) == sequence_id))
