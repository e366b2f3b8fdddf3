"""Rows for benchmarks: contents, links and messages in bulk, as if campaigns had been sent; what became of their clicks; and how
far enrollments are."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import channels_by_name
from models.clicks.inbox import LinkOfRecipient
from models.database import Database

LINKS = 2


@dataclass(frozen=True)
class Sendings:
    """Rows of one organization.

    Contents `first` to `first + contents - 1` have two links each. The first `sent` of them were sent to recipient_numbers 0 to
    `people - 1`.
    """

    org_id: UUID
    first: int
    contents: int
    sent: int
    people: int


CONTENTS = """
INSERT INTO content (org_id, channel_id, campaign_id, body, wakes, next_recipient_number, created_at)
SELECT :org_id, :channel_id, gen_random_uuid(), 'text', '{}', :people, now() FROM generate_series(1, :contents)
RETURNING id
"""
LINKS_OF_CONTENTS = """
INSERT INTO content_link (id, org_id, content_id, position, name, url, merge)
SELECT gen_random_uuid(), :org_id, id, position, NULL,
    'https://shop.example.com/offers/' || id || '?utm_source=sms&utm_campaign=' || id || '&place=' || position, false
FROM content CROSS JOIN generate_series(0, :links - 1) AS position WHERE id BETWEEN :first AND :last
"""
CONTACTS = """
INSERT INTO contact (id, org_id, tags, properties, created_at, updated_at)
SELECT gen_random_uuid(), :org_id, '{}', '{}', now(), now() FROM generate_series(1, :people)
RETURNING id
"""
MESSAGES = """
INSERT INTO message (id, org_id, contact_id, channel_id, content_id, recipient_number, campaign_id, state, tracked, created_at)
SELECT gen_random_uuid(), :org_id, person.id, :channel_id, content.id, person.number - 1, content.campaign_id, 'accepted', true,
    now()
FROM content CROSS JOIN unnest(CAST(:contacts AS uuid[])) WITH ORDINALITY AS person (id, number)
WHERE content.id BETWEEN :first AND :last
"""
OUTCOME = """
WITH stored AS (
    SELECT content_id, recipient_number, position FROM click_inbox
    UNION ALL SELECT message.content_id, message.recipient_number, click.position FROM click JOIN message ON message.id =
    message_id
    UNION ALL SELECT content_id, recipient_number, position FROM click_rejected
), counted AS (SELECT count(*) AS times FROM stored GROUP BY content_id, recipient_number, position)
SELECT coalesce(sum(times), 0) AS stored, coalesce(sum(times - 1), 0) AS doubled FROM counted
"""
BACKLOG = "SELECT (SELECT count(*) FROM click_inbox) AS waiting, (SELECT count(*) FROM click) AS kept"

ENROLLMENTS = """
SELECT count(*) FILTER (WHERE step_key = :step_key) AS waiting, count(*) FILTER (WHERE state = 'completed') AS completed
  FROM enrollment WHERE id = ANY(:ids)
"""
LINKS_OF_ENROLLMENTS = """
SELECT message.content_id, message.recipient_number, content_link.position
  FROM message JOIN content_link USING (content_id) WHERE message.enrollment_id = ANY(:ids)
"""


async def add_sendings(session: AsyncSession, org_id: UUID, contents: int, sent: int, people: int) -> Sendings:
    """Takes a few seconds for 100,000 contents and 200,000 messages. It needs the rights of a superuser, to leave out the checks
    of foreign keys."""
    await session.execute(text("SELECT set_config('session_replication_role', 'replica', true)"))
    channel_id = (await channels_by_name(session, org_id))["simulator-sms"].id
    shared = {"org_id": org_id, "channel_id": channel_id}
    ids = await session.scalars(text(CONTENTS), {**shared, "contents": contents, "people": people})
    first = min(ids)
    await session.execute(
        text(LINKS_OF_CONTENTS), {"org_id": org_id, "links": LINKS, "first": first, "last": first + contents - 1}
    )
    contacts = list(await session.scalars(text(CONTACTS), {"org_id": org_id, "people": people}))
    await session.execute(text(MESSAGES), {**shared, "contacts": contacts, "first": first, "last": first + sent - 1})
    return Sendings(org_id, first, contents, sent, people)


async def analyze(session: AsyncSession) -> None:
    """Makes the statistics for the planner, which would otherwise be made a minute later."""
    await session.execute(text("ANALYZE content, content_link, message, click_inbox"))


async def vacuum(database: Database) -> None:
    """Does at once what PostgreSQL does by itself in the minutes after so many rows; it would otherwise be measured too."""
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM (ANALYZE)"))
        await connection.execute(text("CHECKPOINT"))


async def stored_clicks(session: AsyncSession) -> tuple[int, int]:
    """Returns the clicks that are stored anywhere, and those of them that are there once too often when each link was clicked at
    most once."""
    row = (await session.execute(text(OUTCOME))).one()
    return int(row.stored), int(row.doubled)


async def backlog(session: AsyncSession) -> tuple[int, int]:
    """Returns the clicks that wait in the inbox, and those that are recorded."""
    row = (await session.execute(text(BACKLOG))).one()
    return row.waiting, row.kept


async def enrollments_waiting(session: AsyncSession, ids: Sequence[UUID], step_key: str) -> int:
    """Returns those of these enrollments that stand at this step."""
    return int((await session.execute(text(ENROLLMENTS), {"ids": ids, "step_key": step_key})).one().waiting)


async def enrollments_completed(session: AsyncSession, ids: Sequence[UUID]) -> int:
    return int((await session.execute(text(ENROLLMENTS), {"ids": ids, "step_key": ""})).one().completed)


async def links_of_enrollments(session: AsyncSession, ids: Sequence[UUID]) -> list[LinkOfRecipient]:
    """Returns every link of every message that these enrollments have sent so far."""
    rows = await session.execute(text(LINKS_OF_ENROLLMENTS), {"ids": ids})
    return [LinkOfRecipient(row.content_id, row.recipient_number, row.position) for row in rows]
