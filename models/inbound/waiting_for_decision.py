"""What waits until somebody has decided about an answer that looks like a refusal, and is told to look again then."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.commands.many import look_again

ENROLLMENTS = text("""
SELECT id FROM enrollment WHERE contact_id = ANY(CAST(:ids AS uuid[])) AND state IN ('queued', 'running')
   AND stop_requested_at IS NULL ORDER BY id FOR NO KEY UPDATE
""")
# A firing that somebody works on has other news soon.
FREE_FIRINGS = text("""
UPDATE firing SET due_at = :now WHERE id = ANY(ARRAY(
    SELECT id FROM firing WHERE contact_id = ANY(CAST(:ids AS uuid[])) AND finished_at IS NULL AND sends AND last_error = :why
    ORDER BY id FOR UPDATE SKIP LOCKED
))
""")
SENDING = text("""
SELECT DISTINCT campaign.id FROM message JOIN campaign ON campaign.id = message.campaign_id
 WHERE message.contact_id = ANY(CAST(:ids AS uuid[])) AND message.state = 'planned' AND campaign.state = 'sending' ORDER BY 1
""")


async def tell_enrollments(session: AsyncSession, org_id: UUID, contact_ids: Sequence[UUID]) -> list[UUID]:
    """Asks the contacts' enrollments to look again, and returns the ids of the commands. One that waits for something else goes
    on waiting. The caller has locked the contacts (`lock_people`)."""
    found = list(await session.scalars(ENROLLMENTS, {"ids": list(contact_ids)}))
    return await look_again(session, org_id, found)


async def free_firings(session: AsyncSession, contact_ids: Sequence[UUID], why: str) -> None:
    """Makes the contacts' firings due that wait for this reason."""
    await session.execute(FREE_FIRINGS, {"ids": list(contact_ids), "why": why, "now": now()})


async def sending_campaigns(session: AsyncSession, contact_ids: Sequence[UUID]) -> list[UUID]:
    """Returns the campaigns that still have a message for one of the contacts."""
    return list(await session.scalars(SENDING, {"ids": list(contact_ids)}))
