"""Builders for tests of the click path: a content with links, messages made of it, and clicks on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import new_id, now
from models.channel import channels_by_name
from models.click_connection import ClickConnection
from models.click_inbox import STATEMENTS, InboxClick, LinkOfRecipient, store_clicks
from models.contact import Contact
from models.content import Content, ContentLink, PersonalLink
from models.database import Database
from models.message import Message, MessageState

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)
LONDON, SAN_JOSE_V6 = "81.2.69.160", "2001:4860:4860::8888"
NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """A content and its messages: `ordinals[n]` belongs to `contacts[n]`."""

    content_id: int
    link_ids: list[UUID]
    contacts: list[UUID]
    ordinals: list[int]
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
    """Messages with tracked links, as if they were sent. `scope`: campaign_id, sequence_id, enrollment_id, step_key, visit."""
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
                ordinal=n,
                state=MessageState.ACCEPTED,
                tracked=True,
                **scope,
            )
            for n, contact in enumerate(people_ids)
        ]
        session.add_all(messages)
    return Sent(content.id, [link.id for link in links], people_ids, list(range(len(people_ids))), scope)


async def add_contacts(session: AsyncSession, org_id: UUID, count: int) -> list[UUID]:
    contacts = [Contact(org_id=org_id) for _ in range(count)]
    session.add_all(contacts)
    await session.flush()
    return [contact.id for contact in contacts]


async def add_personal_link(database: Database, sent: Sent, position: int, url: str) -> None:
    async with database.transaction() as session:
        session.add(PersonalLink(content_id=sent.content_id, ordinal=0, position=position, url=url))


def click(sent: Sent, person: int = 0, position: int = 0, **changes: Any) -> InboxClick:
    """A human click with metadata."""
    made = InboxClick(new_id(), sent.content_id, sent.ordinals[person], position, now(), "human", "looks_human", LONDON, IPHONE)
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
    """`click_rollup` and `click_first` are what counting the clicks anew gives."""
    assert await rows(database, COUNTERS_AGAINST_ROWS) == []
    assert await rows(database, "SELECT sum(people) FROM click_rollup") == await rows(
        database, "SELECT nullif(count(*), 0) FROM click_first"
    )


COUNTERS_AGAINST_ROWS = """
WITH counted AS (
    SELECT scope, scope_id, date_trunc('hour', clicked_at, 'UTC') AS hour, click.verdict, coalesce(country, '') AS country,
        coalesce(city, '') AS city, coalesce(device_type, '') AS device_type, count(*) AS clicks,
        count(*) FILTER (WHERE first.click_id = click.id) AS people
    FROM click
    CROSS JOIN LATERAL (VALUES ('campaign', campaign_id), ('sequence', sequence_id), ('link', link_id)) AS s (scope, scope_id)
    LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
    LEFT JOIN click_first first USING (scope, scope_id, verdict, contact_id)
    WHERE scope_id IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6, 7
)
SELECT scope, scope_id, hour, verdict, country, city, device_type, counted.clicks, rollup.clicks, counted.people, rollup.people
FROM counted FULL JOIN click_rollup rollup USING (scope, scope_id, hour, verdict, country, city, device_type)
WHERE (counted.clicks, counted.people) IS DISTINCT FROM (rollup.clicks, rollup.people)
"""


async def clicks_of(database: Database) -> list[Any]:
    return await rows(database, "SELECT id FROM click ORDER BY id")
