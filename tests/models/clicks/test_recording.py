"""Keeping clicks in one statement: what is in a batch twice, what another transaction does meanwhile, what is rolled back."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from activities.record_clicks import RecordClicks
from models.base import new_id
from models.clicks.early import SENT_AT
from models.clicks.inbox import InboxClick
from models.clicks.partitions import make_partition
from models.clicks.recording import (
    BY_KEY,
    KEEP,
    ORGANIZATIONS,
    TAKE,
    DescribedClick,
    Kept,
    Metadata,
    keep_clicks,
    remove_clicks,
    take_clicks,
)
from models.database import Database
from models.messages.message import Message
from models.organizations.organization import Organization, create_organization
from models.reconcile import reconcile
from models.triggers.clicked import CLICKED
from models.wire.clicks import RecorderInput
from services.clicks.geo_locations import GeoLocations
from tests.clicks import NOON, Sent, assert_counters_equal_rows, click, clicks_of, rows, send, store
from tests.ids import id_at

ALL = RecorderInput(shard=0, shards=1)
PHONE = Metadata("DE", "Berlin", "phone", "Mobile Safari", "iOS")
PEOPLE = 150
MINUTE, HOUR, DAY = 60, 3600, 86_400
DELAYS = "SELECT value, clicks, people FROM click_by WHERE dimension = 'delay' AND scope = 'campaign' ORDER BY value"


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    async with database.transaction() as session:
        await make_partition(session, NOON.replace(day=1, hour=0))
    return await send(database, organization[0].id, people=PEOPLE, campaign_id=new_id(), sequence_id=new_id())


def described(sent: Sent, person: int, verdict: str = "human", at: datetime = NOON) -> DescribedClick:
    made = click(sent, person, id=id_at(at), clicked_at=at, verdict=verdict, reason="person")
    return DescribedClick(made, PHONE)


async def change_messages(database: Database, **values: datetime) -> None:
    async with database.transaction() as session:
        await session.execute(update(Message).values(**values))


async def keep(database: Database, clicks: Sequence[DescribedClick]) -> Kept:
    async with database.transaction() as session:
        return await keep_clicks(session, clicks)


async def test_a_click_that_is_twice_in_a_batch_is_kept_and_counted_once(database: Database, sent: Sent) -> None:
    one, other = described(sent, 0), described(sent, 0)
    assert (await keep(database, [one, other, one])).recorded == 2
    assert await rows(database, "SELECT scope, clicks, people, link_people FROM click_series ORDER BY scope") == [
        ("campaign", 2, 1, 1),
        ("organization", 2, 0, 0),
        ("sequence", 2, 1, 1),
    ]
    assert (await keep(database, [other, described(sent, 1)])).recorded == 1
    assert await rows(database, "SELECT count(*) FROM click_metadata") == [3]
    await assert_counters_equal_rows(database)


async def test_clicks_on_the_message_of_a_trigger_count_for_their_link_alone(
    database: Database, organization: tuple[Organization, str]
) -> None:
    async with database.transaction() as session:
        await make_partition(session, NOON.replace(day=1, hour=0))
    sent = await send(database, organization[0].id, people=2)  # neither of a campaign nor of a sequence
    clicks = [described(sent, 0), described(sent, 0), described(sent, 1)]
    assert (await keep(database, clicks)).recorded == 3
    assert await rows(database, "SELECT scope, scope_id, clicks, people, link_people FROM click_series") == [
        ("link", sent.link_ids[0], 3, 2, 2),
        ("organization", sent.org_id, 3, 0, 0),
    ]
    await assert_counters_equal_rows(database)
    assert not (await reconcile.compare(database)).differences


@pytest.mark.parametrize(
    ("seconds", "delay"),
    [
        (-90, "<1m"),  # the redirect's clock is behind the worker's
        (0, "<1m"),
        (59.999, "<1m"),
        (60, "1-5m"),
        (5 * MINUTE, "5-15m"),
        (15 * MINUTE, "15-60m"),
        (HOUR, "1-3h"),
        (3 * HOUR, "3-12h"),
        (12 * HOUR, "12-24h"),
        (DAY - 1, "12-24h"),
        (DAY, "1-3d"),
        (3 * DAY, "3-7d"),
        (7 * DAY - 1, "3-7d"),
        (7 * DAY, ">7d"),
        (900 * DAY, ">7d"),
    ],
)
async def test_a_click_is_counted_by_the_time_since_the_channel_took_its_message(
    database: Database, sent: Sent, seconds: float, delay: str
) -> None:
    await change_messages(database, sending_at=NOON - timedelta(days=990), accepted_at=NOON - timedelta(seconds=seconds))
    await keep(database, [described(sent, 0)])
    assert await rows(database, DELAYS) == [(delay, 1, 1)]
    await assert_counters_equal_rows(database)


async def test_a_message_that_nobody_confirmed_was_sent_when_the_channel_was_called(database: Database, sent: Sent) -> None:
    await change_messages(database, sending_at=NOON - timedelta(minutes=2))
    await keep(database, [described(sent, 0)])
    assert await rows(database, "SELECT sent_at FROM click") == [NOON - timedelta(minutes=2)]
    assert await rows(database, DELAYS) == [("1-5m", 1, 1)]


async def test_a_click_keeps_the_time_of_the_send_that_was_known_when_it_was_recorded(database: Database, sent: Sent) -> None:
    await keep(database, [described(sent, 0)])
    await change_messages(database, accepted_at=NOON)
    await keep(database, [described(sent, 0)])
    assert await rows(database, "SELECT sent_at FROM click ORDER BY sent_at NULLS FIRST") == [None, NOON]
    assert await rows(database, DELAYS) == [("", 1, 1), ("<1m", 1, 0)]
    await assert_counters_equal_rows(database)
    assert (await reconcile.compare(database)).equal


async def test_regions_of_the_same_name_in_two_countries_are_counted_apart(database: Database, sent: Sent) -> None:
    places = [PHONE._replace(country=country, region="Limburg") for country in ("NL", "BE")]
    made = [described(sent, person)._replace(metadata=place) for person, place in enumerate([*places, PHONE, None])]
    await keep(database, made)
    regions = "SELECT value, clicks FROM click_by WHERE dimension = 'region' AND scope = 'campaign' ORDER BY 1"
    assert await rows(database, regions) == [("", 1), ("BE/Limburg", 1), ("DE/", 1), ("NL/Limburg", 1)]
    await assert_counters_equal_rows(database)


async def test_a_late_click_is_the_first_one_of_its_quarter_of_an_hour(database: Database, sent: Sent) -> None:
    for minutes in (5, 14, 2, 9):
        await keep(database, [described(sent, 0, at=NOON + timedelta(minutes=minutes))])
    assert await rows(database, "SELECT first_at, last_at FROM click_series WHERE scope = 'campaign'") == [
        (NOON + timedelta(minutes=2), NOON + timedelta(minutes=14))
    ]
    await assert_counters_equal_rows(database)


async def test_the_campaigns_that_people_clicked_are_told_once(database: Database, sent: Sent) -> None:
    machine = [described(sent, 0, verdict) for verdict in ("bot", "suspect")]
    assert await keep(database, machine) == (2, [], 0)
    people = [described(sent, person) for person in range(3)]
    assert await keep(database, people) == (3, [sent.scope["campaign_id"]], 0)
    assert await keep(database, people) == (0, [], 0)


async def test_two_who_count_the_same_people_in_opposite_order_wait_for_each_other(database: Database, sent: Sent) -> None:
    forth = [described(sent, person) for person in range(PEOPLE)]
    back = [described(sent, person) for person in reversed(range(PEOPLE))]
    for _ in range(3):  # all are new, then the counters alone are contended
        kept = await asyncio.gather(keep(database, forth), keep(database, back))
        assert [each.recorded for each in kept] == [PEOPLE, PEOPLE]
        forth, back = ([described(sent, each.click.recipient_number) for each in clicks] for clicks in (back, forth))
    assert await rows(database, "SELECT clicks, people FROM click_series WHERE scope = 'campaign'") == [(6 * PEOPLE, PEOPLE)]
    await assert_counters_equal_rows(database)


async def test_what_dies_before_the_commit_is_recorded_by_the_next_and_what_dies_after_it_only_once(
    database: Database, database_url: str, sent: Sent
) -> None:
    clicks: list[InboxClick] = [click(sent, person, clicked_at=NOON) for person in range(5)]
    await store(database_url, clicks)
    async with database.session() as session:  # ends without a commit
        taken, _ = await take_clicks(session, ALL, 10)
        assert (await keep_clicks(session, [DescribedClick(each.click, PHONE) for each in taken])).recorded == 5
    assert await clicks_of(database) == []
    recorder = RecordClicks(database, GeoLocations())
    assert (await recorder.record_clicks(ALL)).recorded == 5
    assert (await recorder.record_clicks(ALL)).recorded == 0  # Temporal runs it once more: nobody told it of the commit
    assert await clicks_of(database) == sorted(each.id for each in clicks)
    await assert_counters_equal_rows(database)


async def test_tables_are_read_by_their_keys_although_the_inbox_was_counted_when_it_was_empty(
    database: Database, database_url: str, sent: Sent
) -> None:
    async with database.transaction() as session:
        await session.execute(text("ANALYZE click_inbox, message, content, content_link"))
    await store(database_url, [click(sent, person) for person in range(PEOPLE)])
    async with database.transaction() as session:
        await session.execute(text(BY_KEY))
        parameters = {"limit": 10, "share": 10, "organizations": [sent.org_id]}
        take = await session.scalars(text("EXPLAIN " + TAKE.format(mine="true", sent_at=SENT_AT)), parameters)
        organizations = await session.scalars(text("EXPLAIN " + ORGANIZATIONS))
        keep = await session.scalars(text("EXPLAIN " + KEEP), {"clicks": "[]"})
        fire = await session.scalars(text("EXPLAIN " + CLICKED), {"click_ids": [new_id()]})
        plan = "\n".join([*organizations, *take, *keep, *fire])
    assert "Index Scan using pk_click_inbox" in plan
    assert "Index Only Scan using ix_click_inbox_org_id_id" in plan
    assert "Seq Scan" not in plan


async def other_organization(database: Database, name: str) -> Sent:
    async with database.transaction() as session:
        organization, _ = await create_organization(session, name)
    return await send(database, organization.id, people=3)


async def test_a_flood_of_one_organization_does_not_delay_anothers_clicks(
    database: Database, database_url: str, sent: Sent
) -> None:
    quiet = await other_organization(database, "Quiet")
    await store(database_url, [click(sent, person % PEOPLE) for person in range(400)])
    late = [click(quiet, person) for person in range(3)]
    await store(database_url, late)
    async with database.session() as session:
        taken = await take_clicks(session, ALL, 100)
    assert len(taken.clicks) == 100
    assert [each.click.id for each in taken.clicks if each.click.org_id == quiet.org_id] == [each.id for each in late]
    assert taken.more


async def test_a_batch_with_fewer_clicks_than_fit_says_whether_an_organization_had_more_than_its_share(
    database: Database, database_url: str, sent: Sent
) -> None:
    others = [await other_organization(database, f"Quiet {number}") for number in range(9)]
    await store(database_url, [click(each) for each in others] + [click(sent, person) for person in range(60)])
    async with database.transaction() as session:
        first = await take_clicks(session, ALL, 100)
        assert (len(first.clicks), first.more) == (9 + 20, True)
        await remove_clicks(session, [each.click for each in first.clicks])
        second = await take_clicks(session, ALL, 100)
    assert (len(second.clicks), second.more) == (40, False)


async def test_an_organizations_clicks_are_taken_in_the_order_in_which_they_were_made(
    database: Database, database_url: str, sent: Sent
) -> None:
    clicks = [click(sent, person) for person in range(30)]
    await store(database_url, clicks[::-1])
    async with database.session() as session:
        taken = await take_clicks(session, ALL, 10)
    assert sorted(each.click.id for each in taken.clicks) == [each.id for each in clicks[:10]]


async def test_what_another_recorder_has_taken_and_what_is_held_is_left(
    database: Database, database_url: str, sent: Sent
) -> None:
    first, second, held = click(sent, 0), click(sent, 1), click(sent, 2, held_until=NOON)
    await store(database_url, [first, held])
    async with database.session() as one, database.session() as other:
        assert [each.click.id for each in (await take_clicks(one, ALL, 10)).clicks] == [first.id]
        await store(database_url, [second])
        assert [each.click.id for each in (await take_clicks(other, ALL, 10)).clicks] == [second.id]


async def test_a_batch_of_a_long_queue_reads_no_more_than_twice_as_many_clicks_as_fit(
    database: Database, database_url: str, sent: Sent
) -> None:
    others = [await other_organization(database, f"Busy {number}") for number in range(3)]
    async with database.transaction() as session:
        for each in (sent, *others):
            await session.execute(text(MANY), {"org_id": each.org_id, "content_id": each.content_id})
        await session.execute(text("ANALYZE click_inbox"))
        await session.execute(text(BY_KEY))
        parameters = {"limit": 200, "share": 100, "organizations": [each.org_id for each in (sent, *others)]}
        statement = "EXPLAIN (ANALYZE, FORMAT JSON) " + TAKE.format(mine="true", sent_at=SENT_AT)
        plan = await session.scalar(text(statement), parameters)
    read = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "click_inbox"]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) <= 3 * 200


MANY = """
INSERT INTO click_inbox (id, org_id, content_id, recipient_number, position, clicked_at, verdict, reason)
SELECT uuidv7(), :org_id, :content_id, 0, 0, now(), 'human', 'browser' FROM generate_series(1, 2500)
"""


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", []) for node in nodes(part))]
