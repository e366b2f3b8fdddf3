"""Enrollments whose next message waits because its channel is paused. When the channel is resumed, each is told to look again."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.commands.many import look_again

HOLD = text("UPDATE enrollment SET waits_for = :channel_id WHERE id = :id AND waits_for IS DISTINCT FROM :channel_id")

# The channels that anybody waits for are found one by one in the index, however many enrollments wait for each of them.
FREED = text("""
WITH RECURSIVE waited (id) AS (
    (SELECT waits_for FROM enrollment WHERE waits_for IS NOT NULL ORDER BY waits_for LIMIT 1)
    UNION ALL
    SELECT (SELECT waits_for FROM enrollment WHERE waits_for > waited.id ORDER BY waits_for LIMIT 1)
      FROM waited WHERE waited.id IS NOT NULL
), freed AS MATERIALIZED (
    SELECT enrollment.id, enrollment.org_id FROM enrollment
     WHERE waits_for IN (SELECT channel.id FROM waited JOIN channel ON channel.id = waited.id AND channel.paused_at IS NULL)
     ORDER BY enrollment.id LIMIT :limit FOR NO KEY UPDATE OF enrollment SKIP LOCKED
)
UPDATE enrollment SET waits_for = NULL FROM freed WHERE enrollment.id = freed.id RETURNING enrollment.org_id, enrollment.id
""")


async def wait_for_channel(session: AsyncSession, enrollment_id: UUID, channel_id: UUID) -> None:
    """The caller holds the enrollment's lock. A move of the enrollment ends the wait."""
    await session.execute(HOLD, {"id": enrollment_id, "channel_id": channel_id})


async def free_waiting(session: AsyncSession, limit: int) -> int:
    """Issues a command to at most `limit` enrollments whose channel is not paused any more, and returns to how many."""
    by_organization: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for org_id, enrollment_id in await session.execute(FREED, {"limit": limit}):
        by_organization[org_id].append(enrollment_id)
    for org_id, enrollment_ids in by_organization.items():
        await look_again(session, org_id, enrollment_ids)
    return sum(map(len, by_organization.values()))
