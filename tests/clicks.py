"""Builders for tests of the click path: a content with links, messages made of it, and clicks on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import made_at, new_id
from models.channels.channel import channels_by_name
from models.clicks.connection import ClickConnection
from models.clicks.inbox import STATEMENTS, InboxClick, LinkOfRecipient, store_clicks
from models.contacts.contact import Contact
from models.database import Database
from models.messages.content import Content, ContentLink, PersonalLink
from models.messages.message import Message, MessageState
from tests.ids import id_at

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)
LONDON, SAN_JOSE_V6 = "81.2.69.160", "2001:4860:4860::8888"
NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """A content and its messages: `recipient_numbers[n]` belongs to `contacts[n]`."""

    org_id: UUID
    content_id: int
    link_ids: list[UUID]
    contacts: list[UUID]
    recipient_numbers: list[int]
    scope: dict[str, Any] = field(default_factory=dict)


async def send(
    database: Database,
    org_id: UUID,
    urls: Sequence[str] = ("https://example.com/a", "https://example.com/b"),
    *,
    names: Sequence[str | None] = ("offer", None),
    wakes: Sequence[int] = (),
    people: int = 1,
    contacts: Sequence[UUID] | None = None,
    **scope: Any,
) -> Sent:
    """Messages with tracked links, as if they were sent. `scope`: campaign_id, sequence_id, enrollment_id, step_key, step_run."""
    async with database.transaction() as session:
        channel = (await channels_by_name(session, org_id))["simulator-sms"]
        content = Content(org_id=org_id, channel_id=channel.id, body="text", wakes=list(wakes), step_key=scope.get("step_key"))
        session.add(content)
        await session.flush()
        assert content.id is not None
        links = [
            ContentLink(org_id=org_id, content_id=content.id, position=n, url=url, name=name, merge="{{" in url)
            for n, (url, name) in enumerate(zip(urls, [*names, *[None] * len(urls)], strict=False))
        ]
        session.add_all(links)
        people_ids = list(contacts) if contacts is not None else await add_contacts(session, org_id, people)
        messages = [
            Message(
                org_id=org_id,
                contact_id=contact,
                channel_id=channel.id,
                content_id=content.id,
                recipient_number=n,
                state=MessageState.ACCEPTED,
                tracked=True,
                **scope,
            )
            for n, contact in enumerate(people_ids)
        ]
        session.add_all(messages)
    return Sent(org_id, content.id, [link.id for link in links], people_ids, list(range(len(people_ids))), scope)


async def add_contacts(session: AsyncSession, org_id: UUID, count: int) -> list[UUID]:
    contacts = [Contact(org_id=org_id) for _ in range(count)]
    session.add_all(contacts)
    await session.flush()
    return [contact.id for contact in contacts]


async def add_personal_link(database: Database, sent: Sent, position: int, url: str) -> None:
    async with database.transaction() as session:
        session.add(PersonalLink(content_id=sent.content_id, recipient_number=0, position=position, url=url))


def click(sent: Sent, person: int = 0, position: int = 0, **changes: Any) -> InboxClick:
    """A human click with metadata."""
    click_id = id_at(changes["clicked_at"]) if "clicked_at" in changes else new_id()
    made = InboxClick(
        click_id,
        sent.org_id,
        sent.content_id,
        sent.recipient_numbers[person],
        position,
        made_at(click_id),
        "human",
        "looks_human",
        LONDON,
        IPHONE,
    )
    return made._replace(**changes)


async def store(url: str, clicks: Sequence[InboxClick], wakes: bool = False) -> list[LinkOfRecipient]:
    """What the redirect's journal does."""
    connection = await ClickConnection.open(url, STATEMENTS)
    try:
        return await store_clicks(connection, clicks, clicks if wakes else [])
    finally:
        await connection.close()


async def rows(database: Database, statement: str, **parameters: Any) -> list[Any]:
    """Each row as a tuple, or its only value."""
    async with database.session() as session:
        found = (await session.execute(text(statement), parameters)).all()
    return [row[0] if len(row) == 1 else tuple(row) for row in found]


async def assert_counters_equal_rows(database: Database) -> None:
    """Counting the clicks themselves gives what `click_series` and `click_by` have, in every scope, link and bucket, and
    what `contact_engagement` has of every person. What was retired has no rows, and is taken off the counters."""
    assert await rows(database, SERIES_AGAINST_ROWS) == []
    assert await rows(database, BY_AGAINST_ROWS) == []
    assert await rows(database, ENGAGEMENT_AGAINST_ROWS) == []
    assert await rows(database, "SELECT coalesce(sum(people), 0) FROM click_series") == await rows(database, PEOPLE)


# Persons click the links of messages, whose scope is a campaign or a sequence, or the link itself for the message of a trigger.
PEOPLE = """
    SELECT count(*) FROM click_first first WHERE scope <> 'link' OR EXISTS (
        SELECT FROM click WHERE click.id = first.click_id AND campaign_id IS NULL AND sequence_id IS NULL)
"""

KNOWN = """
    SELECT s.scope, s.scope_id, link_id, click.verdict AS verdict, clicked_at, sent_at, country, region, city,
        device_type, browser, os, (first.click_id IS NOT NULL)::int AS person, (of_link.click_id IS NOT NULL)::int AS link_person
    FROM click
    CROSS JOIN LATERAL (VALUES ('campaign', campaign_id), ('sequence', sequence_id),
        ('link', CASE WHEN campaign_id IS NULL AND sequence_id IS NULL THEN link_id END)) AS s (scope, scope_id)
    LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
    LEFT JOIN click_first first ON first.click_id = click.id AND (first.scope, first.scope_id) = (s.scope, s.scope_id)
    LEFT JOIN click_first of_link ON of_link.click_id = click.id AND (of_link.scope, of_link.scope_id) = ('link', link_id)
    WHERE s.scope_id IS NOT NULL
"""

IN_ORGANIZATION = """
    SELECT 'organization', org_id, CAST('00000000-0000-0000-0000-000000000000' AS uuid), verdict, clicked_at, sent_at, NULL, NULL,
        NULL, NULL, NULL, NULL, 0, 0 FROM click
"""

ENGAGEMENT_AGAINST_ROWS = """
WITH counted AS (
    SELECT org_id, contact_id, count(*) AS clicks, max(clicked_at) AS last_click_at FROM click
    WHERE verdict = 'human' AND contact_id IS NOT NULL GROUP BY org_id, contact_id
)
SELECT * FROM counted FULL JOIN (
    SELECT org_id, contact_id, clicks - retired_clicks AS clicks, last_click_at FROM contact_engagement
    WHERE clicks > retired_clicks OR retired_clicks = 0
) AS kept USING (org_id, contact_id)
WHERE (counted.clicks, counted.last_click_at) IS DISTINCT FROM (kept.clicks, kept.last_click_at)
"""

NOT_RETIRED = """(
    SELECT *, clicks - retired_clicks AS left_clicks, people - retired_people AS left_people,
        link_people - retired_link_people AS left_link_people FROM {table} WHERE clicks > retired_clicks OR retired_clicks = 0
)"""

DELAY = """(SELECT name FROM (VALUES ('<1m', 1), ('1-5m', 5), ('5-15m', 15), ('15-60m', 60), ('1-3h', 180), ('3-12h', 720),
    ('12-24h', 1440), ('1-3d', 4320), ('3-7d', 10080), ('>7d', 1e12)) AS limits (name, minutes)
    WHERE extract(epoch FROM clicked_at - sent_at) < 60 * minutes ORDER BY minutes LIMIT 1)"""

SERIES_AGAINST_ROWS = f"""
WITH counted AS (
    SELECT scope, scope_id, link_id, verdict, date_trunc('hour', clicked_at, 'UTC')
        + interval '15 minutes' * floor(extract(minute FROM clicked_at) / 15) AS bucket,
        count(*) AS clicks, sum(person) AS people, sum(link_person) AS link_people, min(clicked_at) AS first_at,
        max(clicked_at) AS last_at
    FROM ({KNOWN} UNION ALL {IN_ORGANIZATION}) AS known GROUP BY 1, 2, 3, 4, 5
)
SELECT * FROM counted FULL JOIN {NOT_RETIRED.format(table="click_series")} AS kept
    USING (scope, scope_id, link_id, verdict, bucket)
WHERE (counted.clicks, counted.people, counted.link_people) IS DISTINCT FROM (left_clicks, left_people, left_link_people)
    OR NOT CASE WHEN kept.retired_clicks = 0 THEN (counted.first_at, counted.last_at) = (kept.first_at, kept.last_at)
        ELSE kept.first_at <= counted.first_at AND counted.last_at <= kept.last_at END
"""  # noqa: S608 - made of constants

BY_AGAINST_ROWS = f"""
WITH counted AS (
    SELECT scope, scope_id, link_id, verdict, dimension, coalesce(value, '') AS value, count(*) AS clicks, sum(person) AS people,
        sum(link_person) AS link_people
    FROM ({KNOWN}) AS known CROSS JOIN LATERAL (VALUES ('country', country), ('device_type', device_type), ('browser', browser),
        ('os', os), ('city', nullif(coalesce(country, '') || '/' || coalesce(city, ''), '/')),
        ('region', nullif(coalesce(country, '') || '/' || coalesce(region, ''), '/')),
        ('delay', {DELAY})) AS each (dimension, value)
    GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT * FROM counted FULL JOIN {NOT_RETIRED.format(table="click_by")} AS kept
    USING (scope, scope_id, link_id, verdict, dimension, value)
WHERE (counted.clicks, counted.people, counted.link_people) IS DISTINCT FROM (left_clicks, left_people, left_link_people)
"""  # noqa: S608 - made of constants


async def clicks_of(database: Database) -> list[Any]:
    return await rows(database, "SELECT id FROM click ORDER BY id")
