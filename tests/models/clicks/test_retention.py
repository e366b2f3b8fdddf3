"""Removing the rows of old clicks: the counters' totals stay, the rows that are left equal the rest, and nobody counts twice."""

import asyncio
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from models.base import new_id
from models.clicks.click import Scope
from models.clicks.partitions import make_partition
from models.clicks.recording import DescribedClick, Metadata, keep_clicks
from models.clicks.retention import retire_clicks
from models.clicks.verdict import Verdict
from models.contacts.personal_data import Whose, erase_rows
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.reports.breakdowns import Breakdown, count_values
from models.reports.clicks import ClickCounts, ClickQuestion, Count, count_clicks, count_links
from tests.clicks import NOON, Sent, assert_counters_equal_rows, click, clicks_of, rows, send
from tests.ids import id_at

PHONE = Metadata("DE", "Berlin", "phone", "Mobile Safari", "iOS")
DESKTOP = Metadata("FR", "Paris", "desktop", "Firefox", "Linux")
FAR = NOON + timedelta(days=1)
TOTALS = """
SELECT 'series', verdict, bucket::text, clicks, people, link_people FROM click_series UNION ALL
SELECT dimension, verdict, value, clicks, people, link_people FROM click_by UNION ALL
SELECT 'person', contact_id::text, last_click_at::text, clicks, 0, 0 FROM contact_engagement ORDER BY 1, 2, 3, 4, 5, 6
"""


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    async with database.transaction() as session:
        await make_partition(session, NOON.replace(day=1, hour=0))
    return await send(database, organization[0].id, people=5, campaign_id=new_id(), sequence_id=new_id())


async def keep(
    database: Database,
    sent: Sent,
    person: int,
    at: datetime = NOON,
    *,
    position: int = 0,
    verdict: str = "human",
    metadata: Metadata | None = PHONE,
) -> None:
    made = click(sent, person, position, id=id_at(at), clicked_at=at, verdict=verdict)
    async with database.transaction() as session:
        await keep_clicks(session, [DescribedClick(made, metadata)])


async def retire(database: Database, sent: Sent, before: datetime = FAR, limit: int = 1000) -> int:
    async with database.transaction() as session:
        return await retire_clicks(session, sent.org_id, before, limit)


async def test_what_clicks_were_counted_as_stays_and_their_rows_go(database: Database, sent: Sent) -> None:
    for person, verdict, metadata in ((0, "human", PHONE), (0, "human", DESKTOP), (1, "bot", None), (2, "human", DESKTOP)):
        await keep(database, sent, person, verdict=verdict, metadata=metadata)
    await keep(database, sent, 0, FAR)
    before = await rows(database, TOTALS)
    assert await retire(database, sent) == 4
    assert await rows(database, TOTALS) == before
    assert len(await clicks_of(database)) == 1
    assert await rows(database, "SELECT count(*) FROM click_metadata") == [1]
    assert await rows(database, "SELECT contact_id, retired_clicks FROM contact_engagement ORDER BY contact_id") == [
        (sent.contacts[0], 2),
        (sent.contacts[2], 1),
    ]
    await assert_counters_equal_rows(database)
    assert await retire(database, sent) == 0


async def test_a_click_of_exactly_that_moment_stays(database: Database, sent: Sent) -> None:
    await keep(database, sent, 0, NOON)
    await keep(database, sent, 1, NOON - timedelta(milliseconds=1))
    assert await retire(database, sent, NOON) == 1
    assert await rows(database, "SELECT contact_id FROM click") == [sent.contacts[0]]


async def test_the_oldest_go_first_and_no_more_than_asked_for(database: Database, sent: Sent) -> None:
    for n, verdict in enumerate(("human", "bot", "suspect", "human", "bot")):
        await keep(database, sent, n, NOON + timedelta(seconds=n), verdict=verdict)
    assert [await retire(database, sent, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    await assert_counters_equal_rows(database)


async def test_whoever_clicks_again_later_is_not_counted_again(database: Database, sent: Sent) -> None:
    await keep(database, sent, 0)
    assert await retire(database, sent) == 1
    await keep(database, sent, 0, FAR)
    await keep(database, sent, 0, NOON + timedelta(hours=1))  # recorded late, and goes with the next run
    people = (
        "SELECT sum(clicks), sum(people), sum(retired_clicks), sum(retired_people) FROM click_series WHERE scope = 'campaign'"
    )
    assert await rows(database, people) == [(3, 1, 1, 1)]
    assert await retire(database, sent) == 1
    assert await rows(database, people) == [(3, 1, 2, 1)]
    await assert_counters_equal_rows(database)


async def test_another_organization_keeps_its_clicks(database: Database, sent: Sent) -> None:
    async with database.transaction() as session:
        other = (await create_organization(session, "Other"))[0].id
    theirs = await send(database, other, people=1, campaign_id=new_id())
    await keep(database, theirs, 0)
    assert await retire(database, sent) == 0
    assert await retire(database, theirs) == 1


async def test_a_person_with_two_verdicts_is_retired_as_one_in_whatever_order_their_clicks_go(
    database: Database, sent: Sent
) -> None:
    again = """SELECT value, sum(retired_people), sum(retired_again_people), sum(retired_again_link_people) FROM click_by
        WHERE scope = 'campaign' AND dimension = 'country' GROUP BY value ORDER BY value"""
    await keep(database, sent, 0, NOON + timedelta(minutes=1))
    await keep(database, sent, 0, NOON + timedelta(minutes=2), verdict="bot", metadata=DESKTOP)
    assert await retire(database, sent) == 2  # together
    assert await rows(database, again) == [("DE", 1, 0, 0), ("FR", 1, 1, 1)]
    await keep(database, sent, 0, NOON, verdict="suspect")  # older, and recorded when the others were gone
    assert await retire(database, sent) == 1
    assert await rows(database, again) == [("DE", 2, 1, 1), ("FR", 1, 1, 1)]


@pytest.mark.parametrize("verdict", [None, *Verdict])
async def test_reports_say_the_same_before_and_after_and_add_up_within_limits(
    database: Database, sent: Sent, verdict: Verdict | None
) -> None:
    choice = Random(11)
    for n in range(50):
        at = NOON + timedelta(minutes=choice.randrange(300))
        known = choice.choice((PHONE, DESKTOP, None))
        await keep(database, sent, n % 5, at, position=n % 2, verdict=choice.choice(list(Verdict)), metadata=known)
    half = NOON + timedelta(hours=2)
    campaign = sent.scope["campaign_id"]
    questions = [
        ClickQuestion(Scope.CAMPAIGN, campaign, link_id, verdict, since, until)
        for link_id in (None, sent.link_ids[0])
        for since, until in ((None, None), (None, half), (half, None))
    ]
    before = [await told(database, sent, question) for question in questions]
    while True:
        for question, (counts, links, values) in zip(questions, before, strict=True):
            now_counts, now_links, now_values = await told(database, sent, question)
            assert (now_counts, now_links) == (counts, links)
            if question.since is None and question.until is None:
                assert now_values == values
            for each in now_values.values():
                assert sum(one.clicks for one in each.values()) == counts.total.clicks
                assert sum(one.people for one in each.values()) == counts.total.people
        if not await retire(database, sent, limit=9):
            break
    await assert_counters_equal_rows(database)


async def told(
    database: Database, sent: Sent, question: ClickQuestion
) -> tuple[ClickCounts, dict[UUID, Count], dict[str, Breakdown]]:
    async with database.session() as session:
        links = await count_links(session, sent.link_ids, question)
        return await count_clicks(session, question), links, await count_values(session, question)


async def test_two_at_once_remove_each_click_once_beside_a_recorder(database: Database, sent: Sent) -> None:
    for n in range(60):
        await keep(database, sent, n % 5, NOON + timedelta(minutes=n), verdict="bot" if n % 7 == 0 else "human")
    recorded = [keep(database, sent, n % 5, NOON + timedelta(minutes=n), position=1) for n in range(20)]
    removed = await asyncio.gather(*[retire(database, sent, NOON + timedelta(minutes=30), 20) for _ in range(4)], *recorded)
    assert sum(each or 0 for each in removed) >= 30
    await retire(database, sent)
    assert await clicks_of(database) == []
    await assert_counters_equal_rows(database)
    assert await rows(database, "SELECT sum(clicks) FROM click_series WHERE scope = 'campaign'") == [80]


async def test_an_erasure_before_between_and_after_leaves_the_counters_equal(database: Database, sent: Sent) -> None:
    choice = Random(7)
    for n in range(40):
        at = NOON + timedelta(minutes=choice.randrange(600))
        verdict = choice.choice(("human", "bot"))
        await keep(database, sent, n % 5, at, verdict=verdict, metadata=choice.choice((PHONE, DESKTOP, None)))
    for person in range(3):
        await retire(database, sent, limit=7)
        async with database.transaction() as session:
            await erase_rows(session, Whose(sent.org_id, sent.contacts[person], [], []))
        await assert_counters_equal_rows(database)
    await retire(database, sent)
    await assert_counters_equal_rows(database)
    assert await rows(database, "SELECT sum(clicks) FROM click_by WHERE dimension = 'os' AND scope = 'campaign'") == [40]


async def test_erasure_and_retirement_of_the_same_clicks_at_once_lose_and_double_nothing(database: Database, sent: Sent) -> None:
    for n in range(20):
        await keep(database, sent, n % 2, NOON + timedelta(minutes=n), metadata=PHONE if n % 3 else DESKTOP)

    async def erase(person: int) -> None:
        async with database.transaction() as session:
            await erase_rows(session, Whose(sent.org_id, sent.contacts[person], [], []))

    await asyncio.gather(retire(database, sent, limit=10), erase(0), erase(1))
    await assert_counters_equal_rows(database)
    assert await rows(database, "SELECT sum(clicks) FROM click_by WHERE dimension = 'os' AND scope = 'campaign'") == [20]
