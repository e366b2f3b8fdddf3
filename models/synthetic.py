"""Rows for benchmarks: contents, links and messages in bulk, as if campaigns had been sent; and what became of their clicks."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.channel import channels_by_name
from models.database import Database

LINKS = 2


@dataclass(frozen=True)
class Sendings:
    """Contents `first` to `first + contents - 1` with two links each; the first `sent` of them were sent to ordinals 0 to
    `people - 1`."""

    first: int
    contents: int
    sent: int
    people: int


CONTENTS = """
INSERT INTO content (org_id, channel_id, campaign_id, body, wakes, next_ordinal, created_at)
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
INSERT INTO message (id, org_id, contact_id, channel_id, content_id, ordinal, campaign_id, state, tracked, created_at)
SELECT gen_random_uuid(), :org_id, person.id, :channel_id, content.id, person.number - 1, content.campaign_id, 'accepted', true,
    now()
FROM content CROSS JOIN unnest(CAST(:contacts AS uuid[])) WITH ORDINALITY AS person (id, number)
WHERE content.id BETWEEN :first AND :last
"""
OUTCOME = """
WITH stored AS (
    SELECT content_id, ordinal, position FROM click_inbox
    UNION ALL SELECT message.content_id, message.ordinal, click.position FROM click JOIN message ON message.id = message_id
    UNION ALL SELECT content_id, ordinal, position FROM click_rejected
), counted AS (SELECT count(*) AS times FROM stored GROUP BY content_id, ordinal, position)
SELECT coalesce(sum(times), 0) AS stored, coalesce(sum(times - 1), 0) AS doubled FROM counted
"""
BACKLOG = "SELECT (SELECT count(*) FROM click_inbox) AS waiting, (SELECT count(*) FROM click) AS kept"


async def add_sendings(session: AsyncSession, org_id: UUID, contents: int, sent: int, people: int) -> Sendings:
    """A few seconds for 100,000 contents and 200,000 messages. Needs the rights of a superuser, for leaving out the checks of
    foreign keys."""
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
    return Sendings(first, contents, sent, people)


async def analyze(session: AsyncSession) -> None:
    """Statistics for the planner, which would come by themselves a minute later."""
    await session.execute(text("ANALYZE content, content_link, message, click_inbox"))


async def settle(database: Database) -> None:
    """What PostgreSQL does by itself in the minutes after so many rows, done now: it would be measured with what comes next."""
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM (ANALYZE)"))
        await connection.execute(text("CHECKPOINT"))


async def stored_clicks(session: AsyncSession) -> tuple[int, int]:
    """Clicks stored anywhere, and those of them that are there once too often, when each link was clicked at most once."""
    row = (await session.execute(text(OUTCOME))).one()
    return int(row.stored), int(row.doubled)


async def backlog(session: AsyncSession) -> tuple[int, int]:
    """Clicks that wait in the inbox, and clicks kept."""
    row = (await session.execute(text(BACKLOG))).one()
    return row.waiting, row.kept
