"""Pausing a channel and resuming it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now

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


RESUME = text(
    "UPDATE channel SET paused_at = NULL, pause_reason = NULL, resumed_at = :now WHERE id = :id AND paused_at IS NOT NULL"
)

# Those of the organization's other paused channels look once in vain. A firing that somebody works on has other news soon.
FREE_FIRINGS = text("""
UPDATE firing SET due_at = :now WHERE id = ANY(ARRAY(
    SELECT id FROM firing WHERE org_id = :org_id AND finished_at IS NULL AND sends AND last_error = :why FOR UPDATE SKIP LOCKED
))
""")
SENDING = text(
    "SELECT id FROM campaign WHERE org_id = (SELECT org_id FROM channel WHERE id = :id) AND state = 'sending' "
    "AND channel_id = :id ORDER BY id"
)


async def resume(session: AsyncSession, channel_id: UUID) -> None:
    """Ends the pause, if there is one."""
    await session.execute(RESUME, {"id": channel_id, "now": now()})


async def free_firings(session: AsyncSession, org_id: UUID, why: str) -> None:
    """Makes the firings due that wait for this reason."""
    await session.execute(FREE_FIRINGS, {"org_id": org_id, "why": why, "now": now()})


async def sending_campaigns(session: AsyncSession, channel_id: UUID) -> list[UUID]:
    """Returns the campaigns of the channel that are being sent."""
    return list(await session.scalars(SENDING, {"id": channel_id}))
