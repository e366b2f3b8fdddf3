"""Every question about a segment reaches the big tables by an index, and a page reads as little wherever it begins."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models.base import new_id
from models.database import Database
from models.organizations.organization import Organization
from models.paging import PageRequest
from models.segments.definition import read_definition
from models.segments.people import count_people, matching_people, newest_people, next_ids
from tests.plans import buffers_read, scans_without_index, statements
from tests.rows import NOON, Rows
from tests.size.test_segments import FILTERS

AT = NOON + timedelta(days=30)

# The oldest 3,000 of 20,000 contacts have received the campaign's message, and the oldest 50 have clicked.
CONTACTS = """
INSERT INTO contact (id, org_id, tags, properties, created_at, updated_at)
SELECT CAST(rpad(lpad(to_hex(n), 12, '0'), 32, '0') AS uuid), :org_id, '{}', '{}', now(), now()
FROM generate_series(1, 20000) AS n
"""
MESSAGES = """
INSERT INTO message (id, org_id, contact_id, channel_id, content_id, recipient_number, campaign_id, state, tracked, created_at)
SELECT id, org_id, id, :channel_id, :content_id, row_number() OVER (), :campaign_id, 'accepted', true, now()
FROM contact WHERE org_id = :org_id ORDER BY id LIMIT 3000
"""
CLICKED = """
INSERT INTO click_first (scope, scope_id, verdict, contact_id, click_id)
SELECT 'campaign', :campaign_id, 'human', id, id FROM contact WHERE org_id = :org_id ORDER BY id LIMIT 50
"""


@pytest.mark.parametrize("name", FILTERS)
async def test_every_question_reaches_the_big_tables_by_an_index(
    database: Database, organization: tuple[Organization, str], name: str
) -> None:
    rows = Rows(database, organization[0].id)
    campaign, sequence, person = await rows.campaign(), await rows.sequence(), await rows.contact()
    names = {"CAMPAIGN": campaign.id, "SEQUENCE": sequence.id, "LINK": (await rows.links(campaign.content_id))[0].id}
    written = json.dumps(FILTERS[name])
    for each, id in names.items():
        written = written.replace(each, str(id))
    definition = read_definition(json.loads(written))
    with statements(database) as sent:
        async with database.transaction() as session:
            await count_people(session, rows.org_id, definition, AT)
            await newest_people(session, rows.org_id, definition, AT, PageRequest(new_id()))
            await next_ids(session, rows.org_id, definition, AT, person.id, 500)
            await matching_people(session, rows.org_id, definition, AT, [person.id])
    assert await scans_without_index(database, sent) == []


@pytest.mark.parametrize(("condition", "people"), [("clicked", 50), ("not_clicked", 2950)])
@pytest.mark.counts_pages
async def test_a_page_does_not_look_at_those_beside_the_people_of_an_old_campaign(
    database: Database, organization: tuple[Organization, str], condition: str, people: int
) -> None:
    rows = Rows(database, organization[0].id)
    campaign = await rows.campaign()
    values = {"org_id": rows.org_id, "campaign_id": campaign.id, "channel_id": campaign.channel_id}
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in (CONTACTS, MESSAGES, CLICKED):
            await session.execute(text(statement), {**values, "content_id": campaign.content_id})
        await session.execute(text("ANALYZE contact, message, click_first"))
    wanted: list[dict[str, Any]] = [{"kind": "received", "campaign_id": str(campaign.id)}]
    wanted.append({"kind": condition, "campaign_id": str(campaign.id)})
    definition = read_definition({"all": wanted})
    found, after = 0, None
    blocks: list[int] = []
    while True:
        with statements(database) as sent:
            async with database.transaction() as session:
                page, after = await newest_people(session, rows.org_id, definition, AT, PageRequest(after, 500))
        blocks.append(max((await buffers_read(database, sent)).values()))
        found += len(page)
        if after is None:
            break
    assert found == people
    assert max(blocks) < 500 * 10, blocks
