"""A page of a list costs the same for what everybody has and for what hardly anybody has, and beside a large organization."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id
from models.campaigns.audience import count_recipients, next_recipients
from models.campaigns.campaign import Campaign
from models.clicks.partitions import make_partition
from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.api.campaign_builders import enrolls
from tests.builders import Caller
from tests.plans import buffers_read, statements
from tests.rows import NOON, Rows

LARGE = 40_000
"""Of contacts, messages and clicks each: enough that whoever reads all of one of the tables reads more than is allowed. A million
shows the same and takes a minute to make."""

MOST_BUFFERS = 300
"""For a page of 50 rows of one table."""

MOST_BUFFERS_JOINED = 700
"""Of clicks, with the link, the message, the place and the device of each; and of an audience, with a page for each tag."""

# Ids grow with the number of the row, by a millisecond. The oldest 60 have what nobody else has.
CONTACTS = """
INSERT INTO contact (id, org_id, email, tags, properties, created_at, updated_at)
SELECT CAST(rpad(lpad(to_hex(CAST(:first AS bigint) + :base + n), 12, '0'), 32, '0') AS uuid), :org_id,
    :base || 'p' || n || '@example.com',
    CASE WHEN n <= 60 THEN ARRAY['all', 'rare'] ELSE ARRAY['all'] END, '{}', :at, :at
FROM generate_series(1, :rows) AS n
"""
TAGS = "INSERT INTO contact_tag SELECT org_id, unnest(tags), id FROM contact WHERE org_id = :org_id"
MESSAGES = """
INSERT INTO message (id, org_id, contact_id, channel_id, content_id, recipient_number, campaign_id, state, reason, tracked,
created_at)
SELECT contact.id, org_id, contact.id, :channel_id, :content_id, row_number() OVER (), :campaign_id,
    CASE WHEN 'rare' = ANY(tags) THEN 'failed' ELSE 'skipped' END, CASE WHEN 'rare' = ANY(tags) THEN 'lost' ELSE 'no_phone' END,
    true, :at
FROM contact WHERE org_id = :org_id ORDER BY contact.id
"""
ENROLLMENTS = """
INSERT INTO enrollment (id, org_id, sequence_id, sequence_version_id, contact_id,
    campaign_id, cause, variables, re_entry, state, step_run,
    start_due_at, start_attempts, created_at)
SELECT id, org_id, :sequence_id, (SELECT id FROM sequence_version WHERE sequence_id = :sequence_id), id, :campaign_id,
    'request', '{}', 'after_finishing',
    CASE WHEN 'rare' = ANY(tags) THEN 'failed' ELSE 'completed' END, 1, :at, 0, :at
FROM contact WHERE org_id = :org_id ORDER BY contact.id
"""
CLICKS = """
INSERT INTO click (id, clicked_at, org_id, contact_id, message_id, content_id, position, link_id, campaign_id, verdict, reason)
SELECT message.id, :at, org_id, contact_id, message.id, content_id, 0, :link_id, campaign_id,
    CASE WHEN state = 'failed' THEN 'human' ELSE 'bot' END, 'person'
FROM message WHERE org_id = :org_id
"""
METADATA = """
INSERT INTO click_metadata (click_id, org_id, verdict, country, device_type)
SELECT id, org_id, verdict, CASE WHEN verdict = 'human' THEN 'IS' ELSE 'DE' END,
    CASE WHEN verdict = 'human' THEN 'tablet' ELSE 'desktop' END
FROM click WHERE org_id = :org_id
"""

LISTS = [
    "/contacts",
    "/contacts?tag=all",
    "/contacts?tag=rare",
    "/contacts?tag=nobody",
    "/contacts?tag=all&email=nobody@example.com",
    "/messages",
    *(f"/messages?{each}" for each in ("state=skipped", "state=failed", "state=accepted", "reason=lost", "reason=no_phone")),
    *(f"/messages?campaign_id=CAMPAIGN{each}" for each in ("", "&state=failed", "&state=skipped", "&state=accepted")),
    *(f"/enrollments?state={each}" for each in ("completed", "failed", "running")),
    *(f"/enrollments?{each}" for each in ("", "campaign_id=CAMPAIGN", "campaign_id=CAMPAIGN&state=failed")),
    *(f"/enrollments?sequence_id=SEQUENCE{each}" for each in ("", "&state=failed", "&state=completed")),
    *(f"/clicks?{each}" for each in ("", "verdict=all", "verdict=bot", "verdict=suspect")),
    *(f"/clicks?campaign_id=CAMPAIGN&verdict={each}" for each in ("human", "bot", "suspect", "all")),
    *(f"/clicks?{each}" for each in ("country=IS", "country=DE", "country=FR", "verdict=all&country=DE")),
    *(f"/clicks?{each}" for each in ("device_type=tablet", "device_type=phone", "verdict=all&device_type=desktop")),
]


async def fill(session: AsyncSession, org_id: UUID, campaign: Campaign, link: Any, base: int, rows: int) -> None:
    values = {
        "org_id": org_id,
        "base": base,
        "rows": rows,
        "at": NOON,
        "first": first_id(NOON).int >> 80,
        "link_id": link.id,
        "campaign_id": campaign.id,
        "sequence_id": _entered(campaign),
    }
    values |= {"channel_id": campaign.channel_id, "content_id": campaign.content_id}
    await session.execute(text("SET LOCAL session_replication_role = replica"))  # without checks and triggers
    for statement in (CONTACTS, TAGS, ENROLLMENTS, MESSAGES, CLICKS, METADATA):
        await session.execute(text(statement), values)


@pytest.mark.counts_pages
async def test_a_page_costs_the_same_for_what_is_common_and_for_what_is_rare(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    large = Rows(database, organization[0].id)
    async with database.transaction() as session:
        other, key = await create_organization(session, "Small")
        await make_partition(session, NOON.replace(day=1, hour=0))
    small = Rows(database, other.id)
    campaigns = {}
    for rows, base, number in ((large, 0, LARGE), (small, LARGE * 2, 70)):
        sequence = await rows.sequence()
        triggers = [enrolls(sequence.id, "offer")]
        campaign = await rows.campaign(audience={"tags": ["all", "rare"], "contact_ids": []}, triggers=triggers)
        (link,) = await rows.links(campaign.content_id)
        async with database.transaction() as session:
            await fill(session, rows.org_id, campaign, link, base, number)
        campaigns[rows.org_id] = campaign
    await _all_lists_are_cheap(api, database, campaigns[large.org_id])  # statistics are old during a large import
    async with database.transaction() as session:
        await session.execute(text("ANALYZE"))
    for caller, rows in ((api, large), (api.with_key(key), small)):
        await _all_lists_are_cheap(caller, database, campaigns[rows.org_id])


def _entered(campaign: Campaign) -> UUID:
    return UUID(campaign.triggers[0]["actions"][0]["sequence_id"])


async def _all_lists_are_cheap(api: Caller, database: Database, campaign: Campaign) -> None:
    sequence_id = str(_entered(campaign))
    for path in LISTS:
        with statements(database) as sent:
            answer = await api.get(path.replace("CAMPAIGN", str(campaign.id)).replace("SEQUENCE", sequence_id))
        assert answer.status_code == 200, answer.text
        read = await buffers_read(database, sent)
        assert max(read.values()) <= (MOST_BUFFERS_JOINED if path.startswith("/clicks") else MOST_BUFFERS), (path, read)
    for after in (None, first_id(NOON + timedelta(milliseconds=50))):
        with statements(database) as sent:
            async with database.transaction() as session:
                await next_recipients(session, campaign, after, 50)
        assert max((await buffers_read(database, sent)).values()) <= MOST_BUFFERS_JOINED
    async with database.transaction() as session:
        campaign.launched_at = NOON
        assert await count_recipients(session, campaign) in (LARGE, 70)
