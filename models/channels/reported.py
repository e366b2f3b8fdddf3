"""The channel that a provider's callback is about. The caller is no organization, so the signature decides and not an owner."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.channels.channel import Channel, ChannelKind


async def reported_channel(session: AsyncSession, channel_id: UUID, kind: ChannelKind) -> Channel | None:
    """Returns also one that is paused or archived: providers report what they took before, and people still answer."""
    found = await session.scalars(select(Channel).where(col(Channel.id) == channel_id, col(Channel.kind) == kind))
    return found.first()
