"""Which triggers have sent messages. Such a message belongs to no campaign or sequence itself."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class SentBy(NamedTuple):
    """The firing that has sent a message, and its trigger. The trigger of a campaign has no sequence and the other way round.
    All are None for a message that no trigger has sent."""

    firing_id: UUID | None = None
    trigger_key: str | None = None
    trigger_campaign_id: UUID | None = None
    trigger_sequence_id: UUID | None = None


NO_TRIGGER = SentBy()

SENT_BY = """
SELECT message.id, firing.id AS firing_id, trigger.key, trigger.campaign_id, trigger.sequence_id
FROM message JOIN firing ON firing.id = message.firing_id JOIN trigger ON trigger.id = firing.trigger_id
WHERE message.id = ANY(CAST(:ids AS uuid[]))
"""


async def sent_by(session: AsyncSession, message_ids: Collection[UUID]) -> dict[UUID | None, SentBy]:
    """Returns those of the messages that triggers have sent. None is no message and is never among them. The caller has made sure
    whose messages they are."""
    if not message_ids:
        return {}
    return {row.id: SentBy(*row[1:]) for row in await session.execute(text(SENT_BY), {"ids": list(message_ids)})}
