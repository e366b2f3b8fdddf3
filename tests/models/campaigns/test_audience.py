"""The audience of a campaign: who is included, who is excluded, what the launch fixes, and what a page finds."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.campaigns.audience import count_recipients, next_recipients
from models.campaigns.campaign import Campaign, CampaignState
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.segments.segment import Segment
from tests.plans import buffers_read, scans_without_index, statements
from tests.rows import NOON, Rows, minutes

PLANS = ("gold", "free")


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def add_segment(rows: Rows, definition: dict[str, Any]) -> str:
    async with rows.database.transaction() as session:
        segment = Segment(org_id=rows.org_id, name="Some", definition=definition)
        session.add(segment)
    return str(segment.id)


async def recipients(database: Database, campaign: Campaign, limit: int = 2) -> list[UUID]:
    """Page by page, which has to be as many as are counted."""
    found: list[UUID] = []
    async with database.transaction() as session:
        while page := await next_recipients(session, campaign, found[-1] if found else None, limit):
            found += [contact.id for contact in page]
            if len(page) < limit:
                break
        assert await count_recipients(session, campaign) == len(found) == len({*found})
    assert found == sorted(found)
    return found


def plan(name: str) -> dict[str, Any]:
    return {"kind": "property", "name": "plan", "equals": name}


async def test_an_audience_is_what_it_includes_without_what_it_excludes(rows: Rows, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await Rows(database, other.id).contact(tags=["a", "b"], properties={"plan": "gold"}, created_at=NOON)
    people = [
        await rows.contact(tags=list(tags), properties={"plan": PLANS[number % 2]}, created_at=NOON)
        for number, tags in enumerate(["", "a", "b", "ab", "c", "ac", "bc", "abc"])
    ]
    await rows.contact(tags=["a", "b", "c"], properties={"plan": "gold"}, created_at=minutes(5))  # after the launch
    segments = {
        await add_segment(rows, plan("gold")): {person.id for person in people[::2]},
        await add_segment(rows, {"any": [{"kind": "tags", "tags": ["b"]}, {"kind": "tags", "tags": ["c"]}]}): {
            person.id for person in people if {"b", "c"} & {*person.tags}
        },
    }
    choices = st.fixed_dictionaries(
        {
            "tags": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "exclude_tags": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "contact_ids": st.lists(st.sampled_from([str(person.id) for person in people]), max_size=2, unique=True),
            "segment_ids": st.lists(st.sampled_from(sorted(segments)), max_size=2, unique=True),
            "exclude_segment_ids": st.lists(st.sampled_from(sorted(segments)), max_size=1),
        }
    )
    audiences: list[dict[str, Any]] = []

    @settings(max_examples=60, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(choices)
    def collect(audience: dict[str, Any]) -> None:
        audiences.append(audience)

    collect()
    for audience in audiences:
        campaign = Campaign(org_id=rows.org_id, name="Spring", channel_id=rows.org_id, message={}, audience=audience)
        campaign.launched_at = NOON
        members = {
            person.id for person in people if {*person.tags} & {*audience["tags"]} or str(person.id) in audience["contact_ids"]
        }.union(*(segments[each] for each in audience["segment_ids"]))
        members -= {person.id for person in people if {*person.tags} & {*audience["exclude_tags"]}}
        members = members.difference(*(segments[each] for each in audience["exclude_segment_ids"]))
        assert await recipients(database, campaign) == sorted(members), audience


async def test_the_launch_fixes_the_definitions_and_a_page_finds_who_fits(rows: Rows, database: Database) -> None:
    first, second = [await rows.contact(properties={"plan": "gold"}, created_at=NOON) for _ in "12"]
    segment_id = await add_segment(rows, plan("gold"))
    definitions = {segment_id: plan("gold")}
    campaign = await rows.campaign(audience={"segment_ids": [segment_id]}, state=CampaignState.SENDING, segments=definitions)
    async with database.transaction() as session:
        (await session.get_one(Segment, UUID(segment_id))).definition = plan("silver")
    assert await recipients(database, campaign) == [first.id, second.id]
    async with database.transaction() as session:
        second.properties = {"plan": "free"}
        session.add(second)
    assert await recipients(database, campaign) == [first.id]


@pytest.mark.counts_pages
async def test_every_statement_of_an_audience_reaches_its_tables_by_an_index(rows: Rows, database: Database) -> None:
    sent = await rows.campaign()
    used: Sequence[dict[str, Any]] = (
        {"kind": "clicked", "campaign_id": str(sent.id)},
        {"all": [{"kind": "received", "campaign_id": str(sent.id)}, {"kind": "not_clicked", "campaign_id": str(sent.id)}]},
        {"kind": "clicks", "at_least": 2},
    )
    ids = [await add_segment(rows, each) for each in used]
    campaign = await rows.campaign(audience={"tags": ["a"], "segment_ids": ids[:2], "exclude_segment_ids": ids[2:]})
    with statements(database) as made:
        async with database.transaction() as session:
            await next_recipients(session, campaign, sent.id, 50)
    assert await scans_without_index(database, made) == []
    assert max((await buffers_read(database, made)).values()) < 100
