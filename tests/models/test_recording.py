"""Keeping clicks in one statement: what is in a batch twice, what another transaction does meanwhile, what is rolled back."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from activities.places import Places
from activities.record_clicks import RecordClicks
from models import wire
from models.base import new_id
from models.click_inbox import InboxClick
from models.click_partitions import make_partition
from models.database import Database
from models.early import SENT_AT
from models.organization import Organization
from models.recording import BY_KEY, KEEP, TAKE, DescribedClick, Kept, Metadata, WaitingClick, keep_clicks, take_clicks
from tests.clicks import NOON, Sent, assert_counters_equal_rows, click, clicks_of, rows, send, store

ALL = wire.RecorderInput(shard=0, shards=1)
PHONE = Metadata("DE", "Berlin", "phone", "Mobile Safari", "iOS")
PEOPLE = 150


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    async with database.transaction() as session:
        await make_partition(session, NOON.replace(day=1, hour=0))
    return await send(database, organization[0].id, people=PEOPLE, campaign_id=new_id(), sequence_id=new_id())


def described(sent: Sent, person: int, verdict: str = "human") -> DescribedClick:
    waiting = WaitingClick(str(new_id()), sent.content_id, sent.ordinals[person], 0, NOON, verdict, "person")
    return DescribedClick(waiting, PHONE)


async def keep(database: Database, clicks: Sequence[DescribedClick]) -> Kept:
    async with database.transaction() as session:
        return await keep_clicks(session, clicks)


async def test_a_click_that_is_twice_in_a_batch_is_kept_and_counted_once(database: Database, sent: Sent) -> None:
    one, other = described(sent, 0), described(sent, 0)
    assert (await keep(database, [one, other, one])).recorded == 2
    assert await rows(database, "SELECT scope, clicks, people FROM click_rollup ORDER BY scope") == [
        ("campaign", 2, 1),
        ("link", 2, 1),
        ("sequence", 2, 1),
    ]
    assert (await keep(database, [other, described(sent, 1)])).recorded == 1
    assert await rows(database, "SELECT count(*) FROM click_metadata") == [3]
    await assert_counters_equal_rows(database)


async def test_the_campaigns_that_people_clicked_are_told_once(database: Database, sent: Sent) -> None:
    machine = [described(sent, 0, verdict) for verdict in ("bot", "suspect")]
    assert await keep(database, machine) == (2, [])
    people = [described(sent, person) for person in range(3)]
    assert await keep(database, people) == (3, [sent.scope["campaign_id"]])
    assert await keep(database, people) == (0, [])


async def test_two_who_count_the_same_people_in_opposite_order_wait_for_each_other(database: Database, sent: Sent) -> None:
    forth = [described(sent, person) for person in range(PEOPLE)]
    back = [described(sent, person) for person in reversed(range(PEOPLE))]
    for _ in range(3):  # all are new, then the counters alone are contended
        kept = await asyncio.gather(keep(database, forth), keep(database, back))
        assert [each.recorded for each in kept] == [PEOPLE, PEOPLE]
        forth, back = ([described(sent, each.click.ordinal) for each in clicks] for clicks in (back, forth))
    assert await rows(database, "SELECT clicks, people FROM click_rollup WHERE scope = 'campaign'") == [(6 * PEOPLE, PEOPLE)]
    await assert_counters_equal_rows(database)


async def test_what_dies_before_the_commit_is_recorded_by_the_next_and_what_dies_after_it_only_once(
    database: Database, database_url: str, sent: Sent
) -> None:
    clicks: list[InboxClick] = [click(sent, person, clicked_at=NOON) for person in range(5)]
    await store(database_url, clicks)
    async with database.session() as session:  # ends without a commit
        taken = await take_clicks(session, ALL, 10)
        assert (await keep_clicks(session, [DescribedClick(each, PHONE) for each in taken])).recorded == 5
    assert await clicks_of(database) == []
    recorder = RecordClicks(database, Places())
    assert (await recorder.record_clicks(ALL)).recorded == 5
    assert (await recorder.record_clicks(ALL)).recorded == 0  # Temporal runs it once more: nobody told it of the commit
    assert await clicks_of(database) == [each.id for each in clicks]
    await assert_counters_equal_rows(database)


async def test_tables_are_read_by_their_keys_although_the_inbox_was_counted_when_it_was_empty(
    database: Database, database_url: str, sent: Sent
) -> None:
    async with database.transaction() as session:
        await session.execute(text("ANALYZE click_inbox, message, content, content_link"))
    await store(database_url, [click(sent, person) for person in range(PEOPLE)])
    async with database.transaction() as session:
        await session.execute(text(BY_KEY))
        take = await session.scalars(text("EXPLAIN " + TAKE.format(mine="true", sent_at=SENT_AT)), {"limit": 10})
        keep = await session.scalars(text("EXPLAIN " + KEEP), {"clicks": "[]"})
        plan = "\n".join([*take, *keep])
    assert "Index Scan using pk_click_inbox" in plan
    assert "Seq Scan" not in plan
