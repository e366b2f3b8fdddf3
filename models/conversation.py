"""One contact's timeline: what was sent, what was clicked, which steps were taken."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.channel import Channel
from models.click_feed import FeedClick, clicks_by_id
from models.contact import Contact
from models.errors import NotFound
from models.event import Event
from models.message import Message
from models.sequence import Sequence

Order = Literal["newest", "oldest"]


class Place(NamedTuple):
    """Where an entry stands in the timeline; also where a page ended. None of it ever changes."""

    at: datetime
    id: UUID


@dataclass(frozen=True)
class MessageEntry:
    at: datetime
    message: Message
    channel: str


@dataclass(frozen=True)
class ClickEntry:
    at: datetime
    click: FeedClick


@dataclass(frozen=True)
class StepEntry:
    at: datetime
    event: Event
    sequence: str


Entry = MessageEntry | ClickEntry | StepEntry


# Each branch reads at most a page of one contact by its own index.
PLACES = """
(SELECT 'message' AS kind, created_at AS at, id FROM message
    WHERE contact_id = :contact_id {message} ORDER BY created_at {way}, id {way} LIMIT :rows)
UNION ALL
(SELECT 'click', clicked_at, id FROM click
    WHERE contact_id = :contact_id {click} ORDER BY clicked_at {way}, id {way} LIMIT :rows)
UNION ALL
(SELECT 'step', at, id FROM event
    WHERE contact_id = :contact_id {event} ORDER BY at {way}, id {way} LIMIT :rows)
ORDER BY at {way}, id {way} LIMIT :rows
"""
TIMES = {"message": "created_at", "click": "clicked_at", "event": "at"}


async def contact_exists(session: AsyncSession, org_id: UUID, contact_id: UUID) -> None:
    """NotFound when it is not the organization's."""
    statement = select(col(Contact.id)).where(col(Contact.id) == contact_id, col(Contact.org_id) == org_id)
    if await session.scalar(statement) is None:
        raise NotFound("No such contact.")


async def read_conversation(
    session: AsyncSession, org_id: UUID, contact_id: UUID, order: Order, after: Place | None, limit: int
) -> tuple[list[Entry], Place | None]:
    """A page of the timeline in five statements, however long it is, and the place to go on after; None: that was all."""
    await contact_exists(session, org_id, contact_id)
    places = await _places(session, contact_id, order, after, limit + 1)
    page = places[:limit]
    entries = await _entries(session, page)
    shown = [entries[place.id] for _, place in page if place.id in entries]
    return shown, page[-1][1] if len(places) > limit else None


async def _places(
    session: AsyncSession, contact_id: UUID, order: Order, after: Place | None, rows: int
) -> list[tuple[str, Place]]:
    comparison = "<" if order == "newest" else ">"
    conditions = {table: f"AND ({at}, id) {comparison} (:at, :id)" if after else "" for table, at in TIMES.items()}
    statement = PLACES.format(way="DESC" if order == "newest" else "ASC", **conditions)
    parameters: dict[str, Any] = {"contact_id": contact_id, "rows": rows, **(after._asdict() if after else {})}
    found = await session.execute(text(statement), parameters)
    return [(row.kind, Place(row.at, row.id)) for row in found]


async def _entries(session: AsyncSession, places: list[tuple[str, Place]]) -> dict[UUID, Entry]:
    of_kind: dict[str, list[Place]] = {"message": [], "click": [], "step": []}
    for kind, place in places:
        of_kind[kind].append(place)
    return {
        **await _messages(session, of_kind["message"]),
        **await _clicks(session, of_kind["click"]),
        **await _steps(session, of_kind["step"]),
    }


async def _messages(session: AsyncSession, places: list[Place]) -> dict[UUID, Entry]:
    if not places:
        return {}
    rows = await session.execute(
        select(Message, col(Channel.name))
        .join(Channel, col(Channel.id) == col(Message.channel_id))
        .where(col(Message.id).in_([place.id for place in places]))
    )
    return {message.id: MessageEntry(message.created_at, message, channel) for message, channel in rows}


async def _clicks(session: AsyncSession, places: list[Place]) -> dict[UUID, Entry]:
    if not places:
        return {}
    times = [place.at for place in places]
    clicks = await clicks_by_id(session, [place.id for place in places], min(times), max(times))
    return {click.id: ClickEntry(click.clicked_at, click) for click in clicks.values()}


async def _steps(session: AsyncSession, places: list[Place]) -> dict[UUID, Entry]:
    if not places:
        return {}
    rows = await session.execute(
        select(Event, col(Sequence.name))
        .join(Sequence, col(Sequence.id) == col(Event.sequence_id))
        .where(col(Event.id).in_([place.id for place in places]))
    )
    return {event.id: StepEntry(event.at, event, sequence) for event, sequence in rows}
