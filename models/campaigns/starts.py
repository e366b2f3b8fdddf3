"""Launched campaigns whose workflow has still to be started, by the request that launched them or by the sweeper."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import now
from models.campaigns.campaign import Campaign, CampaignState


async def campaign_name(session: AsyncSession, campaign_id: UUID) -> str:
    return (await session.get_one(Campaign, campaign_id)).name


async def unstarted_campaigns(session: AsyncSession, limit: int) -> list[tuple[UUID, UUID]]:
    """Returns (organization, campaign) of launched campaigns without a workflow whose start is due, the longest waiting first."""
    rows = await session.execute(
        select(col(Campaign.org_id), col(Campaign.id))
        .where(
            col(Campaign.state) == CampaignState.SENDING,
            col(Campaign.workflow_started_at).is_(None),
            col(Campaign.start_due_at) <= now(),
        )
        .order_by(col(Campaign.start_due_at))
        .limit(limit)
    )
    return [(org_id, campaign_id) for org_id, campaign_id in rows]
