"""One contact's timeline: what was sent, clicked and written back, which steps were taken, what triggers did or why they did not,
and what the contact said about getting messages."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.channels.channel import Channel
from models.contacts.contact import Contact
from models.errors import NotFound
from models.messages.message import Message
from models.notifications.notification import ItemState, Notification, NotificationItem, NotificationState
from models.reports.click_feed import FeedClick, clicks_by_id
from models.reports.consent_entries import ConsentEntry, InboundEntry, read_consents, read_inbound
from models.reports.sent_by import NO_TRIGGER, SentBy, sent_by
from models.reports.trigger_entries import FiringEntry, RefusalEntry, read_firings, read_refusals
from models.sequences.event import Event, EventKind
from models.sequences.sequence import Sequence

Order = Literal["newest", "oldest"]


class TimelinePosition(NamedTuple):
    """Where an entry stands in the timeline, and where a page ended. It never changes."""

    at: datetime
    id: UUID


@dataclass(frozen=True)
class MessageEntry:
    at: datetime
    message: Message
    channel: str
    sent_by: SentBy


@dataclass(frozen=True)
class ClickEntry:
    """`sent_by` is about the clicked message."""

    at: datetime
    click: FeedClick
    sent_by: SentBy


@dataclass(frozen=True)
class StepEntry:
    """`other_sequence` is the name of the sequence in which a step `enroll` enrolls. `item` is what a notification target has
    been told by a step `notify`, until a day after it was told."""

    at: datetime
    event: Event
    sequence: str
    other_sequence: str | None
    item: ItemState | None


Entry = MessageEntry | ClickEntry | StepEntry | FiringEntry | RefusalEntry | ConsentEntry | InboundEntry


# Each branch reads at most a page of one contact by its own index.
POSITIONS = """
(SELECT 'message' AS kind, created_at AS at, id FROM message
    WHERE contact_id = :contact_id {message} ORDER BY created_at {way}, id {way} LIMIT :rows)
UNION ALL
(SELECT 'click', clicked_at, id FROM click
    WHERE contact_id = :contact_id {click} ORDER BY clicked_at {way}, id {way} LIMIT :rows)
UNION ALL
(SELECT 'step', at, id FROM event
    WHERE contact_id = :contact_id {event} ORDER BY at {way}, id {way} LIMIT :rows)
UNION ALL
(SELECT 'trigger', fired_at, id FROM firing
    WHERE contact_id = :contact_id {firing} ORDER BY fired_at {way}, id {way} LIMIT :rows)
UNION ALL
(SELECT 'trigger_refusal', at, id FROM trigger_refusal
    WHERE contact_id = :contact_id {trigger_refusal} ORDER BY at {way}, id {way} LIMIT :rows)
UNION ALL
(SELECT 'consent', given_at, id FROM consent
    WHERE contact_id = :contact_id {consent} ORDER BY given_at {way}, id {way} LIMIT :rows)
UNION ALL
(SELECT 'inbound_message', received_at, id FROM inbound_message
    WHERE contact_id = :contact_id {inbound_message} ORDER BY received_at {way}, id {way} LIMIT :rows)
ORDER BY at {way}, id {way} LIMIT :rows
"""
TIMES = {
    "message": "created_at",
    "click": "clicked_at",
    "event": "at",
    "firing": "fired_at",
    "trigger_refusal": "at",
    "consent": "given_at",
    "inbound_message": "received_at",
}


async def contact_exists(session: AsyncSession, org_id: UUID, contact_id: UUID) -> None:
    """Raises NotFound when the contact is not the organization's."""
    statement = select(col(Contact.id)).where(col(Contact.id) == contact_id, col(Contact.org_id) == org_id)
    if await session.scalar(statement) is None:
        raise NotFound("No such contact.")


async def read_conversation(
    session: AsyncSession, org_id: UUID, contact_id: UUID, order: Order, after: TimelinePosition | None, limit: int
) -> tuple[list[Entry], TimelinePosition | None]:
    """Returns a page of the timeline in sixteen statements at most, however long it is, and the position after which the
    next page begins, which is None on the last page."""
    await contact_exists(session, org_id, contact_id)
    positions = await _positions(session, contact_id, order, after, limit + 1)
    page = positions[:limit]
    entries = await _entries(session, contact_id, page)
    shown = [entries[position.id] for _, position in page if position.id in entries]
    return shown, page[-1][1] if len(positions) > limit else None


async def _positions(
    session: AsyncSession, contact_id: UUID, order: Order, after: TimelinePosition | None, rows: int
) -> list[tuple[str, TimelinePosition]]:
    comparison = "<" if order == "newest" else ">"
    conditions = {table: f"AND ({at}, id) {comparison} (:at, :id)" if after else "" for table, at in TIMES.items()}
    statement = POSITIONS.format(way="DESC" if order == "newest" else "ASC", **conditions)
    parameters: dict[str, Any] = {"contact_id": contact_id, "rows": rows, **(after._asdict() if after else {})}
    found = await session.execute(text(statement), parameters)
    return [(row.kind, TimelinePosition(row.at, row.id)) for row in found]


async def _entries(session: AsyncSession, contact_id: UUID, positions: list[tuple[str, TimelinePosition]]) -> dict[UUID, Entry]:
    of_kind: defaultdict[str, list[TimelinePosition]] = defaultdict(list)
    for kind, position in positions:
        of_kind[kind].append(position)
    return {
        **await _messages(session, of_kind["message"]),
        **await _clicks(session, of_kind["click"]),
        **await _steps(session, of_kind["step"]),
        **await read_firings(session, [each.id for each in of_kind["trigger"]]),
        **await read_refusals(session, contact_id, [each.id for each in of_kind["trigger_refusal"]]),
        **await read_consents(session, [each.id for each in of_kind["consent"]]),
        **await read_inbound(session, [each.id for each in of_kind["inbound_message"]]),
    }


async def _messages(session: AsyncSession, positions: list[TimelinePosition]) -> dict[UUID, Entry]:
    if not positions:
        return {}
    found = await session.execute(
        select(Message, col(Channel.name))
        .join(Channel, col(Channel.id) == col(Message.channel_id))
        .where(col(Message.id).in_([position.id for position in positions]))
    )
    rows = found.all()
    triggers = await sent_by(session, [message.id for message, _ in rows if message.firing_id is not None])
    return {
        message.id: MessageEntry(message.created_at, message, channel, triggers.get(message.id, NO_TRIGGER))
        for message, channel in rows
    }


async def _clicks(session: AsyncSession, positions: list[TimelinePosition]) -> dict[UUID, Entry]:
    if not positions:
        return {}
    clicks = (await clicks_by_id(session, [position.id for position in positions])).values()
    of_nothing_else = {each.message_id for each in clicks if each.message_id and not (each.campaign_id or each.sequence_id)}
    triggers = await sent_by(session, of_nothing_else)
    return {click.id: ClickEntry(click.clicked_at, click, triggers.get(click.message_id, NO_TRIGGER)) for click in clicks}


async def _steps(session: AsyncSession, positions: list[TimelinePosition]) -> dict[UUID, Entry]:
    if not positions:
        return {}
    rows = await session.execute(
        select(Event, col(Sequence.name))
        .join(Sequence, col(Sequence.id) == col(Event.sequence_id))
        .where(col(Event.id).in_([position.id for position in positions]))
    )
    found = rows.all()
    others = await _other_sequences(session, [event for event, _ in found])
    items = await _items(session, [event for event, _ in found if _notifies(event)])
    return {
        event.id: StepEntry(event.at, event, sequence, others.get(event.id), items.get(event.id)) for event, sequence in found
    }


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
