"""Pauses a channel, so that none of its messages is claimed and none is lost, and resumes it."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client

from models.base import now
from models.channels import pause
from models.channels.channel import Channel
from models.organizations.audit_log import record
from models.texts.text import cut
from models.wire.names import campaign_workflow_id
from services.gate import CHANNEL_PAUSED
from services.signalling import RPC_TIMEOUT, attempt_all

log = structlog.get_logger()


async def pause_channel(session: AsyncSession, channel_id: UUID, reason: str) -> bool:
    """Pauses a channel that failed, and writes it into the audit log. `reason` is shown to people and says what to correct; no
    log has it, because it can have words of a provider. Returns False when the channel was paused already, which keeps its first
    reason, or is archived."""
    org_id = await pause.pause(session, channel_id, cut(reason), now())
    if org_id is None:
        return False
    record(session, org_id, "channels.pause", "channel", str(channel_id))
    log.warning("a channel was paused", channel_id=str(channel_id), organization_id=str(org_id))
    return True


async def resume_channel(session: AsyncSession, channel: Channel) -> list[UUID]:
    """Lets the channel send again, or lets those who wait for it go on after it was archived.

    Messages of triggers are due at once. Enrollments are told by the sweeper of the commands, a batch at a time. The campaigns
    that are returned wait in their workflows: hand them to `wake_campaigns` after the commit.
    """
    await pause.resume(session, channel.id)
    await pause.free_firings(session, channel.org_id, CHANNEL_PAUSED)
    return await pause.sending_campaigns(session, channel.id)


async def wake_campaigns(client: Client, campaign_ids: Sequence[UUID]) -> None:
    """Tells these campaigns that their channel has changed. Those who do not hear of it look by themselves after five minutes."""

    async def wake(campaign_id: UUID) -> None:
        handle = client.get_workflow_handle(campaign_workflow_id(campaign_id))
        await handle.signal("look_again", rpc_timeout=RPC_TIMEOUT)

    for campaign_id, failure in await attempt_all(campaign_ids, wake):
        if failure is not None:
            log.info("a campaign was not told that its channel goes on", campaign_id=str(campaign_id), error=failure)
