"""Finds messages that nobody looks after any more, because their enrollment, campaign or firing is over, or the enrollment was
moved away from their step: those whose sending was interrupted, and those that were to be tried again."""

from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import now
from models.messages import ledger
from models.messages.ledger import INTERRUPTED_AFTER
from models.messages.message import Message

WITH_OWNER = """
    LEFT JOIN enrollment ON enrollment.id = message.enrollment_id AND message.campaign_id IS NULL
    LEFT JOIN campaign ON campaign.id = message.campaign_id
    LEFT JOIN firing ON firing.id = message.firing_id
    WHERE (enrollment.finished_at IS NOT NULL OR enrollment.step_run > message.step_run
        OR campaign.state IN ('completed', 'stopped', 'failed') OR firing.finished_at IS NOT NULL)
"""

# The order is random, so that messages of a channel that does not answer never hold up the others.
INTERRUPTED = """
    SELECT message.id FROM message {with_owner} AND message.state = 'sending' AND message.sending_at < :before
    ORDER BY random() LIMIT :most
"""

# Very many messages can wait for their next attempt. An attempt moves them to the end of this order, so what is left behind comes
# to its beginning.
PLANNED = """
    SELECT DISTINCT campaign.id AS campaign_id, enrollment.id AS enrollment_id, firing.id AS firing_id,
        CASE WHEN enrollment.finished_at IS NULL THEN message.step_run END AS passage,
        CASE 'failed' WHEN enrollment.state THEN enrollment.outcome WHEN campaign.state THEN campaign.reason END AS failure
    FROM (SELECT * FROM message WHERE state = 'planned' ORDER BY sending_at LIMIT :most) AS message {with_owner}
"""
FIND_INTERRUPTED, FIND_PLANNED = (text(each.format(with_owner=WITH_OWNER)) for each in (INTERRUPTED, PLANNED))


async def interrupted(session: AsyncSession, most: int) -> Sequence[Message]:
    """Returns at most `most` messages that may have been sent."""
    ids = (await session.scalars(FIND_INTERRUPTED, {"before": now() - INTERRUPTED_AFTER, "most": most})).all()
    return (await session.scalars(select(Message).where(col(Message.id).in_(ids)))).all()


async def close_planned(session: AsyncSession, most: int) -> None:
    """Closes what was not sent, as the end of the enrollment or campaign does. It looks at the `most` messages whose last attempt
    was made the longest ago."""
    for owner in await session.execute(FIND_PLANNED, {"most": most}):
        if owner.campaign_id is not None:
            await ledger.close_campaign_messages(session, owner.campaign_id, owner.failure)
        elif owner.passage is not None:
            await ledger.close_passage(session, owner.enrollment_id, owner.passage)
        elif owner.enrollment_id is not None:
            await ledger.close_messages(session, owner.enrollment_id, owner.failure)
        else:
            await ledger.close_firing_messages(session, owner.firing_id)
