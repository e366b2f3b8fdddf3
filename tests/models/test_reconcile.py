"""Reconciling: every difference between counters and rows is found, and repaired exactly, also beside recorders at work."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from activities.places import Places
from activities.record_clicks import RecordClicks
from models import reconcile, wire
from models.base import new_id
from models.database import Database
from models.organization import Organization
from models.reconcile import Reconciliation
from tests.clicks import NOON, Sent, assert_counters_equal_rows, click, rows, send, store

ALL = wire.RecorderInput(shard=0, shards=1)


@pytest.fixture
async def sent(database: Database, database_url: str, organization: tuple[Organization, str]) -> Sent:
    """Twelve recorded clicks of four people on two links."""
    sent = await send(database, organization[0].id, people=4, campaign_id=new_id(), sequence_id=new_id())
    clicks = [
        click(sent, n % 4, n % 2, clicked_at=NOON + timedelta(hours=n % 3), verdict="bot" if n == 7 else "human")
        for n in range(12)
    ]
    await store(database_url, clicks)
    await record(database)
    return sent


async def record(database: Database) -> None:
    await RecordClicks(database, Places()).record_clicks(ALL)


async def compare(database: Database) -> Reconciliation:
    async with database.transaction() as session:
        return await reconcile.compare(session)


async def repair(database: Database) -> Reconciliation:
    async with database.transaction() as session:
        return await reconcile.repair(session)


async def damage(database: Database, statement: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE click_rollup SET clicks = clicks + 1 WHERE scope = 'link' AND verdict = 'human'", "click_rollup"),
        ("UPDATE click_rollup SET people = 0", "click_rollup"),
        ("DELETE FROM click_rollup WHERE scope = 'campaign'", "click_rollup"),
        ("INSERT INTO click_rollup VALUES ('link', gen_random_uuid(), now(), 'human', '', '', '', 3, 1)", "click_rollup"),
        ("DELETE FROM click_first WHERE scope = 'link'", "click_first"),
        ("UPDATE click_first SET click_id = gen_random_uuid() WHERE scope = 'sequence'", "click_first"),
        ("UPDATE click_first SET verdict = 'suspect' WHERE verdict = 'bot'", "click_first"),
        (
            "INSERT INTO click_first VALUES ('link', gen_random_uuid(), 'human', gen_random_uuid(), gen_random_uuid())",
            "click_first",
        ),
        ("DELETE FROM click WHERE verdict = 'bot'", "click_first"),
        ("DELETE FROM click_metadata", "click_rollup"),
        ("TRUNCATE click_rollup, click_first", "click_first"),
        ("TRUNCATE click", "click_rollup"),
    ],
)
async def test_a_difference_is_found_and_repaired(database: Database, sent: Sent, statement: str, table: str) -> None:
    await damage(database, statement)
    found = await compare(database)
    assert not found.equal
    assert table in {each.table for each in found.differences}
    assert await compare(database) == found  # looking changes nothing
    assert await repair(database) == found
    assert (await compare(database)).differences == []
    await assert_counters_equal_rows(database)


async def test_a_difference_says_what_is_expected_and_what_was_found(database: Database, sent: Sent) -> None:
    await damage(database, "UPDATE click_rollup SET clicks = 99 WHERE scope = 'campaign' AND verdict = 'bot'")
    (found,) = (await compare(database)).differences
    assert (found.table, found.key["scope_id"], found.key["verdict"]) == ("click_rollup", sent.scope["campaign_id"], "bot")
    assert (found.expected, found.found) == ({"clicks": 1, "people": 1}, {"clicks": 99, "people": 1})


async def test_what_is_equal_is_left_as_it_is(database: Database, sent: Sent) -> None:
    everything = "SELECT xmin::text, click_first FROM click_first UNION ALL SELECT xmin::text, NULL FROM click_rollup"
    before = await rows(database, f"SELECT count(*), min(xmin) FROM ({everything}) AS t")  # noqa: S608
    found = await repair(database)
    assert (found.equal, found.clicks) == (True, 12)
    assert await rows(database, f"SELECT count(*), min(xmin) FROM ({everything}) AS t") == before  # noqa: S608


async def test_an_empty_database_is_equal(database: Database) -> None:
    assert (await compare(database)).equal


async def test_a_repair_beside_recorders_at_work_loses_and_doubles_nothing(
    database: Database, database_url: str, sent: Sent
) -> None:
    await damage(database, "UPDATE click_rollup SET clicks = clicks + 7")
    for start in range(0, 200, 50):
        await store(database_url, [click(sent, n % 4, n % 2) for n in range(start, start + 50)])
    recorders = [RecordClicks(database, Places(), batch_rows=20) for _ in range(2)]

    async def record_all(recorder: RecordClicks) -> None:
        while (await recorder.record_clicks(ALL)).remaining:
            pass

    await asyncio.gather(*map(record_all, recorders), *(repair(database) for _ in range(3)))
    await record(database)
    assert await rows(database, "SELECT count(*) FROM click") == [212]
    assert (await compare(database)).equal
