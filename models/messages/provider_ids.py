"""The providers' names for messages."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.messages.message import Message


async def names_of_others(session: AsyncSession, channel_id: UUID, message_id: UUID, names: Sequence[str]) -> set[str]:
    """Returns which of these names belong to messages of the channel other than this one."""
    found = select(col(Message.provider_id)).where(
        col(Message.channel_id) == channel_id, col(Message.provider_id).in_(names), col(Message.id) != message_id
    )
    return {name for name in await session.scalars(found) if name is not None}
