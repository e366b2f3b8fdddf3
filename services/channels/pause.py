"""Pauses a channel: none of its messages is claimed until somebody resumes it, and none is lost."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.channels import pause
from models.organizations.audit_log import record
from models.texts.text import cut

log = structlog.get_logger()


async def pause_channel(session: AsyncSession, channel_id: UUID, reason: str) -> bool:
    """Pauses a channel that failed, and writes it into the audit log. `reason` is shown to people and says what to correct; it
    has no addresses, texts or secrets. Returns False when the channel was paused already, which keeps its first reason, or is
    archived."""
    org_id = await pause.pause(session, channel_id, cut(reason), now())
    if org_id is None:
        return False
    record(session, org_id, "channels.pause", "channel", str(channel_id))
    log.warning("a channel was paused", channel_id=str(channel_id), organization_id=str(org_id), reason=cut(reason))
    return True


async def resume_channel(session: AsyncSession, channel_id: UUID) -> bool:
    """Lets the channel send again. Returns False when it was not paused."""
    return await pause.resume(session, channel_id)
