"""The rows that drills compare with what was asked for and answered, read independently of every counter."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.inbox import LinkOfRecipient

LINKS = text("""
    SELECT message.content_id, message.recipient_number, content_link.position, message.enrollment_id
      FROM message JOIN content_link USING (content_id)
     WHERE message.tracked ORDER BY 1, 2, 3
""")


async def tracked_links(session: AsyncSession) -> dict[LinkOfRecipient, UUID | None]:
    """Returns every link of every message, and the enrollment to which the message belongs."""
    rows = await session.execute(LINKS)
    return {LinkOfRecipient(row.content_id, row.recipient_number, row.position): row.enrollment_id for row in rows}


RECORDED = text("""
    SELECT message.content_id, message.recipient_number, click.position, count(*) AS clicks
      FROM click JOIN message ON message.id = click.message_id GROUP BY 1, 2, 3
""")


async def recorded_clicks(session: AsyncSession) -> dict[LinkOfRecipient, int]:
    """Returns how many clicks each link has; links without clicks are left out."""
    rows = await session.execute(RECORDED)
    return {LinkOfRecipient(row.content_id, row.recipient_number, row.position): row.clicks for row in rows}


STEPS = text("""
    SELECT enrollment_id, count(*) AS times FROM event
     WHERE kind = 'step_left' AND step_key = :step_key AND detail ->> 'outcome' = 'clicked' GROUP BY 1
""")


async def clicked_steps(session: AsyncSession, step_key: str) -> dict[UUID, int]:
    """Returns how often each enrollment was taken out of this step by a click."""
    return {row.enrollment_id: row.times for row in await session.execute(STEPS, {"step_key": step_key})}


DELIVERIES = text("""
    SELECT message.enrollment_id, count(*) AS deliveries
      FROM message JOIN simulator_inbox ON simulator_inbox.message_id = message.id
     WHERE message.step_key = :step_key GROUP BY 1
""")


async def deliveries(session: AsyncSession, step_key: str) -> dict[UUID, int]:
    """Returns how many messages of this step each enrollment's contact has received."""
    return {row.enrollment_id: row.deliveries for row in await session.execute(DELIVERIES, {"step_key": step_key})}


@dataclass(frozen=True)
class Unfinished:
    """`clicks` are not recorded yet, `signals` are not delivered yet, and `rejected` clicks were set aside."""

    clicks: int
    signals: int
    rejected: int


UNFINISHED = text("""
    SELECT (SELECT count(*) FROM click_inbox) AS clicks, (SELECT count(*) FROM signal_outbox WHERE outcome IS NULL) AS signals,
        (SELECT count(*) FROM click_rejected) AS rejected
""")


async def unfinished(session: AsyncSession) -> Unfinished:
    row = (await session.execute(UNFINISHED)).one()
    return Unfinished(row.clicks, row.signals, row.rejected)


LINKS_ON_PHONES = text("""
    SELECT DISTINCT message.enrollment_id, message.content_id, message.recipient_number
      FROM simulator_inbox JOIN message ON message.id = simulator_inbox.message_id WHERE message.step_key = :step_key
""")


async def links_on_phones(session: AsyncSession, step_key: str) -> dict[UUID, LinkOfRecipient]:
    """The first link of this step's message, for each enrollment whose contact has received it."""
    rows = await session.execute(LINKS_ON_PHONES, {"step_key": step_key})
    return {row.enrollment_id: LinkOfRecipient(row.content_id, row.recipient_number, 0) for row in rows}


ENROLLMENTS = text("SELECT id, state FROM enrollment")


async def states_of_enrollments(session: AsyncSession) -> dict[UUID, str]:
    return {row.id: row.state for row in await session.execute(ENROLLMENTS)}


MESSAGES = text("SELECT id, enrollment_id, step_key, state FROM message")


async def messages_of_enrollments(session: AsyncSession) -> tuple[dict[UUID, dict[str, list[str]]], frozenset[UUID]]:
    """The states of each enrollment's messages by step, and the ids of messages with an unknown outcome."""
    found: dict[UUID, dict[str, list[str]]] = {}
    unknown = set()
    for row in await session.execute(MESSAGES):
        found.setdefault(row.enrollment_id, {}).setdefault(row.step_key, []).append(row.state)
        if row.state == "unknown":
            unknown.add(row.id)
    return found, frozenset(unknown)


@dataclass(frozen=True)
class Received:
    """A message on somebody's phone. `claimed_at` is when the worker committed to sending it, `state` what its row says."""

    step_key: str
    received_at: datetime
    claimed_at: datetime | None
    state: str


PHONES = text("""
    SELECT message.enrollment_id, message.step_key, simulator_inbox.received_at, message.sending_at, message.state
      FROM simulator_inbox JOIN message ON message.id = simulator_inbox.message_id ORDER BY simulator_inbox.id
""")


async def phones_of_enrollments(session: AsyncSession) -> dict[UUID, list[Received]]:
    """What the contacts' phones have received, in the order of its arrival."""
    found: dict[UUID, list[Received]] = {}
    for row in await session.execute(PHONES):
        received = Received(row.step_key, row.received_at, row.sending_at, row.state)
        found.setdefault(row.enrollment_id, []).append(received)
    return found


TOLD = text("SELECT enrollment_id, count(*) AS times FROM notification_item WHERE enrollment_id IS NOT NULL GROUP BY 1")


async def told_of_enrollments(session: AsyncSession) -> dict[UUID, int]:
    """Returns how often a team is told of each enrollment by a step."""
    return {row.enrollment_id: row.times for row in await session.execute(TOLD)}


SENT = text("""
    SELECT id, contact_id, coalesce(to_address, '') AS to, btrim(coalesce(body, ''), E' \\n\\r\\t') AS text, state, reason,
           sending_at AS claimed_at, late_after
      FROM message ORDER BY id
""")


async def sent_messages(session: AsyncSession) -> list[Mapping[str, Any]]:
    """Returns the rows of all messages, with the fields of `Sent` in `_sending_checker.py`."""
    return [dict(row) for row in (await session.execute(SENT)).mappings()]


UNDER_WAY = text("""
    SELECT (SELECT count(*) FROM campaign WHERE state NOT IN ('tracking', 'completed', 'stopped', 'failed'))
         + (SELECT count(*) FROM enrollment WHERE finished_at IS NULL) AS number
""")


async def under_way(session: AsyncSession) -> int:
    """Returns how many campaigns are still being sent, and how many enrollments are not over."""
    return int(await session.scalar(UNDER_WAY) or 0)
