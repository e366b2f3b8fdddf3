"""Pausing a channel and resuming it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# `updated_at` stays as it is, because it says when the settings changed, and open connections of the channel need not be closed.
PAUSE = text("""
UPDATE channel SET paused_at = :at, pause_reason = :reason
 WHERE id = :id AND paused_at IS NULL AND archived_at IS NULL
RETURNING org_id
""")


async def pause(session: AsyncSession, channel_id: UUID, reason: str, at: datetime) -> UUID | None:
    """Returns the channel's organization, or None when the channel was paused or archived already."""
    org_id: UUID | None = await session.scalar(PAUSE, {"id": channel_id, "reason": reason, "at": at})
    return org_id


RESUME = text("UPDATE channel SET paused_at = NULL, pause_reason = NULL WHERE id = :id AND paused_at IS NOT NULL RETURNING id")


async def resume(session: AsyncSession, channel_id: UUID) -> bool:
    """Returns False when the channel was not paused."""
    return await session.scalar(RESUME, {"id": channel_id}) is not None
