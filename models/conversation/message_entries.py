"""A contact's messages and clicks as entries of the conversation: with their links, what the provider reported, and who sent
them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import first_id
from models.channels.channel import Channel
from models.messages.message import Message
from models.messages.report import MessageReport, reports_of
from models.reports.click_feed import FeedClick, clicks_by_id
from models.reports.sent_by import NO_TRIGGER, SentBy, sent_by


class SentLink(NamedTuple):
    """A link of the text of a message. `destination` is where it leads this contact, and `written` what stood in the text before
    it was tracked. The clicks are this contact's, as far as they are kept; `clicks` are those of people, `machine_clicks` all
    others."""

    id: UUID
    position: int
    name: str | None
    destination: str
    written: str
    merge: bool
    clicks: int
    machine_clicks: int


@dataclass(frozen=True)
class MessageEntry:
    at: datetime
    message: Message
    channel: str
    medium: str
    sent_by: SentBy
    links: Sequence[SentLink]
    reports: Sequence[MessageReport]


@dataclass(frozen=True)
class ClickEntry:
    """`sent_by` is about the clicked message."""

    at: datetime
    click: FeedClick
    sent_by: SentBy


# The clicks are found by the contact, of whom there are few, and none is older than the first of the messages.
LINKS = text("""
WITH sent AS (
    SELECT id, content_id, recipient_number FROM message WHERE id = ANY(CAST(:ids AS uuid[]))
), clicked AS (
    SELECT message_id, position, count(*) FILTER (WHERE verdict = 'human') AS people,
        count(*) FILTER (WHERE verdict <> 'human') AS machines
    FROM click WHERE contact_id = :contact_id AND id >= :since AND message_id = ANY(CAST(:ids AS uuid[]))
    GROUP BY message_id, position
)
SELECT sent.id AS message_id, link.id, link.position, link.name, coalesce(personal.url, link.url) AS destination,
    coalesce(link.written, link.url) AS written, link.merge, coalesce(clicked.people, 0) AS clicks,
    coalesce(clicked.machines, 0) AS machine_clicks
FROM sent JOIN content_link link ON link.content_id = sent.content_id
LEFT JOIN personal_link personal ON link.merge AND personal.content_id = sent.content_id
    AND personal.recipient_number = sent.recipient_number AND personal.position = link.position
LEFT JOIN clicked ON clicked.message_id = sent.id AND clicked.position = link.position
ORDER BY sent.id, link.position
""")


async def read_messages(session: AsyncSession, contact_id: UUID, ids: Sequence[UUID]) -> dict[UUID, MessageEntry]:
    """Reads the messages of one contact in four statements."""
    if not ids:
        return {}
    found = await session.execute(
        select(Message, col(Channel.name), col(Channel.medium))
        .join(Channel, col(Channel.id) == col(Message.channel_id))
        .where(col(Message.id).in_(ids))
    )
    rows = found.all()
    triggers = await sent_by(session, [message.id for message, *_ in rows if message.firing_id is not None])
    links = await _links(session, contact_id, [message for message, *_ in rows])
    reports = await reports_of(session, [message.id for message, *_ in rows if message.report is not None])
    return {
        message.id: MessageEntry(
            message.created_at,
            message,
            channel,
            medium,
            triggers.get(message.id, NO_TRIGGER),
            links.get(message.id, ()),
            reports.get(message.id, ()),
        )
        for message, channel, medium in rows
    }


async def _links(session: AsyncSession, contact_id: UUID, messages: Collection[Message]) -> Mapping[UUID, Sequence[SentLink]]:
    """Returns the links of the messages that have a text."""
    written = [each for each in messages if each.body is not None]
    if not written:
        return {}
    since = first_id(min(each.created_at for each in written))
    about = {"ids": [each.id for each in written], "contact_id": contact_id, "since": since}
    found: defaultdict[UUID, list[SentLink]] = defaultdict(list)
    for message_id, *link in await session.execute(LINKS, about):
        found[message_id].append(SentLink(*link))
    return found


async def read_clicks(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, ClickEntry]:
    if not ids:
        return {}
    clicks = (await clicks_by_id(session, list(ids))).values()
    of_nothing_else = {each.message_id for each in clicks if each.message_id and not (each.campaign_id or each.sequence_id)}
    triggers = await sent_by(session, of_nothing_else)
    return {click.id: ClickEntry(click.clicked_at, click, triggers.get(click.message_id, NO_TRIGGER)) for click in clicks}
