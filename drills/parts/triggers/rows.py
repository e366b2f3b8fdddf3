"""The rows of triggers that `drill enrollments` compares with what was clicked, read independently of every counter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.inbox import LinkOfRecipient

LINKS = """
SELECT CASE WHEN message.campaign_id = :campaign_id THEN :on_campaign ELSE :on_sequence END AS key, message.contact_id,
    message.content_id, message.recipient_number
FROM message LEFT JOIN enrollment ON enrollment.id = message.enrollment_id
WHERE message.state = 'accepted' AND message.firing_id IS NULL
    AND (message.campaign_id = :campaign_id OR enrollment.sequence_id = :sequence_id)
"""

FIRINGS = """
SELECT trigger.key, firing.contact_id, firing.finished_at IS NOT NULL AS finished,
    ARRAY(SELECT outcome FROM firing_action WHERE firing_id = firing.id) AS outcomes
FROM firing JOIN trigger ON trigger.id = firing.trigger_id
"""

# What has happened to people, each kind counted where it has happened. The tag and the sequence to which a trigger leads have its
# key as their name.
EFFECTS = """
SELECT tag AS key, contact_id, 'tag' AS kind, count(*) AS times FROM contact_tag WHERE tag = ANY(:keys) GROUP BY 1, 2
UNION ALL
SELECT trigger.key, item.contact_id, 'notify', count(*) FROM notification_item item
    JOIN firing ON firing.id = item.firing_id JOIN trigger ON trigger.id = firing.trigger_id GROUP BY 1, 2
UNION ALL
SELECT trigger.key, message.contact_id, 'send', count(*) FROM simulator_inbox
    JOIN message ON message.id = simulator_inbox.message_id
    JOIN firing ON firing.id = message.firing_id JOIN trigger ON trigger.id = firing.trigger_id GROUP BY 1, 2
UNION ALL
SELECT sequence.name, contact_id, 'enroll', count(*) FROM enrollment JOIN sequence ON sequence.id = enrollment.sequence_id
    WHERE sequence.name = ANY(:keys) GROUP BY 1, 2
UNION ALL
SELECT :left_by, contact_id, 'leave', count(*) FROM enrollment WHERE sequence_id = :sequence_id AND state = 'stopped'
    GROUP BY 1, 2
"""

UNTOLD = """
SELECT count(*) FROM notification_item LEFT JOIN notification ON notification.id = notification_id
WHERE notification.state IS DISTINCT FROM 'sent'
"""
SENT = "SELECT id FROM notification WHERE state = 'sent'"

Place = tuple[str, UUID]
"""A trigger's key and a contact's id."""


@dataclass(frozen=True)
class Places:
    """Where the triggers of the drill stand: one on a campaign and one on a sequence, which its people leave."""

    campaign_id: UUID
    sequence_id: UUID
    on_campaign: str
    on_sequence: str


@dataclass(frozen=True)
class FiringRow:
    finished: bool
    outcomes: Sequence[str]


async def links_of_triggers(session: AsyncSession, places: Places) -> dict[Place, LinkOfRecipient]:
    """Returns the first link of each person's message, by the key of the trigger that listens to it."""
    rows = await session.execute(text(LINKS), vars(places))
    return {(row.key, row.contact_id): LinkOfRecipient(row.content_id, row.recipient_number, 0) for row in rows}


async def firings(session: AsyncSession) -> dict[Place, list[FiringRow]]:
    found: dict[Place, list[FiringRow]] = {}
    for row in await session.execute(text(FIRINGS)):
        found.setdefault((row.key, row.contact_id), []).append(FiringRow(row.finished, row.outcomes))
    return found


async def effects(session: AsyncSession, places: Places) -> dict[Place, Mapping[str, int]]:
    """Returns how often each kind of action shows for each person."""
    keys = [places.on_campaign, places.on_sequence]
    parameters = {"keys": keys, "left_by": places.on_sequence, "sequence_id": places.sequence_id}
    found: dict[Place, dict[str, int]] = {}
    for row in await session.execute(text(EFFECTS), parameters):
        found.setdefault((row.key, row.contact_id), {})[row.kind] = row.times
    return dict(found)


async def notified(session: AsyncSession) -> tuple[int, frozenset[str]]:
    """Returns how many items no notification has told yet, and the ids of the notifications that were sent."""
    untold = await session.scalar(text(UNTOLD))
    return untold or 0, frozenset(str(each) for each in await session.scalars(text(SENT)))
