"""The steps of a contact's enrollments as entries of the conversation, with what each decision was made on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.notifications.notification import ItemState, Notification, NotificationItem, NotificationState
from models.sequences.event import Event, EventKind
from models.sequences.sequence import Sequence as SequenceTable


class StepFacts(NamedTuple):
    """What led away from a step: the message that it sent, the click that it waited for, with the name of the link, or the time
    until which it waited."""

    message_id: UUID | None = None
    click_id: UUID | None = None
    clicked_at: datetime | None = None
    link: str | None = None
    due_at: datetime | None = None


NO_FACTS = StepFacts()


@dataclass(frozen=True)
class StepEntry:
    """`other_sequence` is the name of the sequence in which a step `enroll` enrolls. `item` is what a notification target has
    been told by a step `notify`, until a day after it was told. `facts` are set when the step was left."""

    at: datetime
    event: Event
    sequence: str
    other_sequence: str | None
    item: ItemState | None
    facts: StepFacts


async def read_steps(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, StepEntry]:
    """Reads the steps in four statements."""
    if not ids:
        return {}
    rows = await session.execute(
        select(Event, col(SequenceTable.name))
        .join(SequenceTable, col(SequenceTable.id) == col(Event.sequence_id))
        .where(col(Event.id).in_(ids))
    )
    found = rows.all()
    others = await _other_sequences(session, [event for event, _ in found])
    items = await _items(session, [event for event, _ in found if _notifies(event)])
    facts = await _facts(session, [event for event, _ in found if event.kind == EventKind.STEP_LEFT])
    return {
        event.id: StepEntry(event.at, event, sequence, others.get(event.id), items.get(event.id), facts.get(event.id, NO_FACTS))
        for event, sequence in found
    }


# A wait for a click is left by the newest click that it can have waited for, the others are left by their time. The link stands
# in the version in which the enrollment is; after a move to another version any click counts.
FACTS = """
SELECT event.id, sent.id AS message_id, clicked.id AS click_id, clicked.clicked_at, clicked.name AS link, entered.due_at
FROM event
LEFT JOIN LATERAL (
    SELECT message.id FROM message WHERE message.enrollment_id = event.enrollment_id AND message.step_run = event.step_run
        AND message.campaign_id IS NULL LIMIT 1
) AS sent ON true
LEFT JOIN LATERAL (
    SELECT click.id, click.clicked_at, link.name FROM click JOIN content_link link ON link.id = click.link_id
    WHERE event.detail ->> 'outcome' = 'clicked' AND click.enrollment_id = event.enrollment_id AND click.verdict = 'human'
        AND click.clicked_at <= event.at AND NOT EXISTS (
            SELECT FROM enrollment JOIN sequence_version version ON version.id = enrollment.sequence_version_id
            CROSS JOIN LATERAL jsonb_path_query(version.definition, '$.steps[*] ? (@.key == $key).link',
                jsonb_build_object('key', event.step_key)) AS wanted
            WHERE enrollment.id = event.enrollment_id AND wanted #>> '{}' <> coalesce(link.name, ''))
    ORDER BY click.id DESC LIMIT 1
) AS clicked ON true
LEFT JOIN LATERAL (
    SELECT CAST(before.detail ->> 'due_at' AS timestamptz) AS due_at FROM event before
    WHERE before.enrollment_id = event.enrollment_id AND before.step_run = event.step_run AND before.kind = 'step_entered'
    LIMIT 1
) AS entered ON true
WHERE event.id = ANY(CAST(:ids AS uuid[]))
"""


async def _facts(session: AsyncSession, left: Sequence[Event]) -> dict[UUID, StepFacts]:
    """Returns what led away from the steps that were left."""
    if not left:
        return {}
    rows = await session.execute(text(FACTS), {"ids": [event.id for event in left]})
    return {row.id: StepFacts(*row[1:]) for row in rows}


# The step stands in the version in which the enrollment is. After a move to another version it may not be there any more.
OTHER_SEQUENCES = """
SELECT event.id, other.name FROM event
JOIN enrollment ON enrollment.id = event.enrollment_id
JOIN sequence_version version ON version.id = enrollment.sequence_version_id
CROSS JOIN LATERAL jsonb_path_query(version.definition, '$.steps[*] ? (@.key == $key && @.kind == "enroll")',
    jsonb_build_object('key', event.step_key)) AS step
JOIN sequence other ON other.id = CAST(step ->> 'sequence_id' AS uuid) AND other.org_id = event.org_id
WHERE event.id = ANY(CAST(:ids AS uuid[]))
"""


async def _other_sequences(session: AsyncSession, events: list[Event]) -> dict[UUID, str]:
    """Names the sequences in which steps enroll, for the events that tell of it."""
    ids = [event.id for event in events if _enrolls(event)]
    if not ids:
        return {}
    return {row.id: row.name for row in await session.execute(text(OTHER_SEQUENCES), {"ids": ids})}


def _enrolls(event: Event) -> bool:
    outcome = str(event.detail.get("outcome"))
    return event.kind == EventKind.STEP_LEFT and (outcome == "enrolled" or outcome.startswith("not_enrolled"))


def _notifies(event: Event) -> bool:
    return event.kind == EventKind.STEP_LEFT and event.detail.get("outcome") == "notified"


async def _items(session: AsyncSession, notified: list[Event]) -> dict[UUID, ItemState]:
    """Returns what has become of the items of these steps, by the ids of their events."""
    if not notified:
        return {}
    rows = await session.execute(
        select(NotificationItem, Notification)
        .outerjoin(Notification, col(Notification.id) == col(NotificationItem.notification_id))
        .where(col(NotificationItem.enrollment_id).in_({event.enrollment_id for event in notified}))
    )
    states = {(item.enrollment_id, item.step_run): _item_state(notification) for item, notification in rows}
    return {event.id: state for event in notified if (state := states.get((event.enrollment_id, event.step_run)))}


def _item_state(notification: Notification | None) -> ItemState:
    if notification is None:
        return ItemState(None, NotificationState.OPEN, None, None)
    return ItemState(notification.id, notification.state, notification.last_error, notification.due_at)
