"""Reconciling: every difference between counters and rows is found, and repaired exactly, also beside recorders at work."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlmodel import col

from activities.record_clicks import RecordClicks
from models.base import new_id
from models.clicks.retention import retire_clicks
from models.database import Database
from models.messages.message import Message, MessageState
from models.organizations.organization import Organization, create_organization
from models.reconcile import click_first, message_count, reconcile
from models.reconcile.reconcile import Reconciliation
from models.wire.clicks import RecorderInput
from services.clicks.geo_locations import GeoLocations
from tests.clicks import NOON, Sent, assert_counters_equal_rows, click, rows, send, store
from tests.rows import Rows

ALL = RecorderInput(shard=0, shards=1)


@pytest.fixture
async def sent(database: Database, database_url: str, organization: tuple[Organization, str]) -> Sent:
    """Twelve recorded clicks of four people on two links, of which the first one has a trigger, and one enrollment that is in its
    second step."""
    made = Rows(database, organization[0].id)
    enrollment = await made.enrollment(await made.sequence(), await made.contact())
    await made.step_run(enrollment, 1, "hello", outcome="sent", next_key="wait")
    await made.step_run(enrollment, 2, "wait")
    sent = await send(database, organization[0].id, people=4, campaign_id=new_id(), sequence_id=new_id())
    await made.trigger([sent.content_id], times=2)
    clicks = [
        click(sent, n % 4, n % 2, clicked_at=NOON + timedelta(hours=n % 3), verdict="bot" if n == 7 else "human")
        for n in range(12)
    ]
    async with database.transaction() as session:
        await session.execute(update(Message).values(report="delivered"))
    await store(database_url, clicks)
    await record(database)
    return sent


async def record(database: Database) -> None:
    await RecordClicks(database, GeoLocations()).record_clicks(ALL)


async def compare(database: Database) -> Reconciliation:
    return await reconcile.compare(database)


async def repair(database: Database) -> Reconciliation:
    return await reconcile.repair(database)


async def damage(database: Database, statement: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement))


ROGUE_SERIES = "INSERT INTO click_series VALUES ('{}', gen_random_uuid(), gen_random_uuid(), 'human', now(), 3, 1, 1)"
ROGUE_FIRST = "INSERT INTO click_first VALUES ('{}', gen_random_uuid(), 'human', gen_random_uuid(), gen_random_uuid())"


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE click_series SET clicks = clicks + 1 WHERE scope = 'campaign' AND verdict = 'human'", "click_series"),
        ("UPDATE click_series SET people = 0", "click_series"),
        ("UPDATE click_series SET link_people = link_people - 1 WHERE link_people > 0", "click_series"),
        ("UPDATE click_series SET bucket = bucket + interval '15 minutes'", "click_series"),
        ("DELETE FROM click_series WHERE scope = 'sequence'", "click_series"),
        (ROGUE_SERIES.format("link"), "click_series"),
        (ROGUE_SERIES.format("campaign"), "click_series"),
        ("UPDATE click_series SET clicks = clicks + 1 WHERE scope = 'organization'", "click_series"),
        ("DELETE FROM click_series WHERE scope = 'organization'", "click_series"),
        (ROGUE_SERIES.format("organization"), "click_series"),
        ("UPDATE click_series SET first_at = first_at + interval '1 second'", "click_series"),
        ("UPDATE click_series SET first_at = first_at - interval '1 second', clicks = clicks + 1", "click_series"),
        ("UPDATE click_series SET first_at = NULL, last_at = NULL", "click_series"),
        ("UPDATE click_series SET last_at = last_at + interval '1 hour' WHERE scope = 'sequence'", "click_series"),
        ("UPDATE click SET clicked_at = clicked_at + interval '1 second' WHERE verdict = 'bot'", "click_series"),
        ("UPDATE click_by SET clicks = clicks - 1 WHERE dimension = 'region'", "click_by"),
        ("UPDATE click_by SET value = '>7d' WHERE dimension = 'delay'", "click_by"),
        ("UPDATE click SET sent_at = clicked_at - interval '1 hour'", "click_by"),
        ("UPDATE click_metadata SET region = 'Elsewhere'", "click_by"),
        ("UPDATE click_by SET clicks = clicks + 1 WHERE dimension = 'city'", "click_by"),
        ("UPDATE click_by SET people = people + 1, link_people = 0 WHERE dimension = 'os'", "click_by"),
        ("UPDATE click_by SET value = 'XX' WHERE dimension = 'country'", "click_by"),
        ("DELETE FROM click_by", "click_by"),
        ("DELETE FROM click_first WHERE scope = 'link'", "click_first"),
        ("DELETE FROM click_first", "click_first"),
        ("UPDATE click_first SET click_id = gen_random_uuid() WHERE scope = 'sequence'", "click_first"),
        ("UPDATE click_first SET verdict = 'suspect' WHERE verdict = 'bot'", "click_first"),
        (ROGUE_FIRST.format("link"), "click_first"),
        (ROGUE_FIRST.format("campaign"), "click_first"),
        ("DELETE FROM click WHERE verdict = 'bot'", "click_first"),
        ("DELETE FROM click WHERE verdict = 'bot'", "click_series"),
        ("DELETE FROM click_metadata", "click_by"),
        ("TRUNCATE click_series, click_by, click_first", "click_first"),
        ("TRUNCATE click", "click_series"),
        ("UPDATE contact_engagement SET clicks = clicks + 1", "contact_engagement"),
        ("UPDATE contact_engagement SET last_click_at = now()", "contact_engagement"),
        ("DELETE FROM contact_engagement", "contact_engagement"),
        ("INSERT INTO contact_engagement VALUES (gen_random_uuid(), gen_random_uuid(), 3, now())", "contact_engagement"),
        ("DELETE FROM click WHERE verdict = 'human'", "contact_engagement"),
        ("UPDATE message_count SET messages = messages + 2", "message_count"),
        ("UPDATE message_count SET state = 'failed'", "message_count"),
        ("DELETE FROM message_count", "message_count"),
        ("INSERT INTO message_count VALUES (4711, 'accepted', 3, 5)", "message_count"),
        ("UPDATE report_count SET messages = messages - 1", "report_count"),
        ("UPDATE report_count SET report = 'bounced'", "report_count"),
        ("DELETE FROM report_count", "report_count"),
        ("INSERT INTO report_count VALUES (4711, 'delivered', 3, 5)", "report_count"),
        ("UPDATE step_count SET step_runs = step_runs + 2", "step_count"),
        ("UPDATE step_count SET outcome = 'failed' WHERE outcome = ''", "step_count"),
        ("DELETE FROM step_count", "step_count"),
        ("INSERT INTO step_count VALUES (gen_random_uuid(), 'hello', 'sent', 'wait', 3, 5)", "step_count"),
        ("UPDATE trigger_count SET count = count + 2", "trigger_count"),
        ("UPDATE trigger_count SET position = 0", "trigger_count"),
        ("DELETE FROM trigger_count", "trigger_count"),
        ("DELETE FROM firing", "trigger_count"),
        ("INSERT INTO firing_action SELECT id, 0, trigger_id, 'tag', 'done', NULL, '{}', now() FROM firing", "trigger_count"),
    ],
)
async def test_a_difference_is_found_and_repaired(database: Database, sent: Sent, statement: str, table: str) -> None:
    await damage(database, statement)
    found = await compare(database)
    assert not found.equal
    assert table in {each.table for each in found.differences}
    assert await compare(database) == found  # looking changes nothing
    await repair(database)
    assert (await compare(database)).differences == []
    await assert_counters_equal_rows(database)


async def test_a_difference_says_what_is_expected_and_what_was_found(database: Database, sent: Sent) -> None:
    await damage(database, "UPDATE click_series SET clicks = 99 WHERE scope = 'campaign' AND verdict = 'bot'")
    (found,) = (await compare(database)).differences
    assert (found.table, found.key["scope_id"], found.key["verdict"]) == ("click_series", sent.scope["campaign_id"], "bot")
    one = NOON + timedelta(hours=1)
    assert found.expected == {"clicks": 1, "people": 1, "link_people": 1, "first_at": one, "last_at": one}
    assert found.found == {"clicks": 99, "people": 1, "link_people": 1, "first_at": one, "last_at": one}
    await damage(database, "DELETE FROM click_series WHERE scope = 'campaign' AND verdict = 'bot'")
    (found,) = (await compare(database)).differences
    assert found.found is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE click_series SET clicks = clicks + 1",
        "UPDATE click_series SET people = people + 1 WHERE scope = 'campaign'",
        "UPDATE click_series SET first_at = first_at + interval '5 minutes'",
        "DELETE FROM click_series WHERE retired_clicks = 0",
        "UPDATE click_by SET link_people = 0 WHERE clicks > retired_clicks",
        "UPDATE contact_engagement SET clicks = clicks + 1, last_click_at = last_click_at - interval '1 day'",
        "DELETE FROM click_first WHERE NOT retired",
    ],
)
async def test_what_retention_has_removed_stays_counted_and_the_rest_is_repaired(
    database: Database, sent: Sent, statement: str
) -> None:
    """The clicks of the first hour are removed, and then half of those of the second one."""
    async with database.transaction() as session:
        removed = [await retire_clicks(session, sent.org_id, NOON + timedelta(hours=2), limit) for limit in (4, 2)]
    assert removed == [4, 2]
    assert (await compare(database)).equal
    totals = "SELECT scope, verdict, sum(clicks), sum(people), sum(retired_clicks) FROM click_series GROUP BY 1, 2 ORDER BY 1, 2"
    before = await rows(database, totals)
    await damage(database, statement)
    assert not (await repair(database)).equal
    assert (await compare(database)).differences == []
    assert await rows(database, totals) == before
    await assert_counters_equal_rows(database)


async def test_the_oldest_click_takes_the_place_of_a_first_click_that_is_lost(database: Database, sent: Sent) -> None:
    oldest = "SELECT id FROM click WHERE verdict = 'human' AND contact_id = :contact ORDER BY id LIMIT 1"
    named = "SELECT click_id FROM click_first WHERE scope = 'campaign' AND verdict = 'human' AND contact_id = :contact"
    await damage(database, "UPDATE click_first SET click_id = gen_random_uuid() WHERE scope = 'campaign'")
    await repair(database)
    for contact in sent.contacts:
        assert await rows(database, named, contact=contact) == await rows(database, oldest, contact=contact)


async def test_a_first_click_that_is_one_of_the_persons_clicks_stays(database: Database, sent: Sent) -> None:
    """Clicks are not always recorded in the order in which they were made."""
    later = "(SELECT id FROM click WHERE contact_id = first.contact_id AND verdict = first.verdict ORDER BY id DESC LIMIT 1)"
    await damage(database, f"UPDATE click_first first SET click_id = {later} WHERE scope = 'campaign'")  # noqa: S608
    named = await rows(database, "SELECT click_id FROM click_first ORDER BY 1")
    assert {each.table for each in (await repair(database)).differences} == {"click_series"}
    assert await rows(database, "SELECT click_id FROM click_first ORDER BY 1") == named
    await assert_counters_equal_rows(database)


async def test_what_is_equal_is_left_as_it_is(database: Database, sent: Sent) -> None:
    parts = [f"SELECT xmin::text, kept::text FROM {table} kept" for table in (await compare(database)).rows]  # noqa: S608
    everything = " UNION ALL ".join(parts) + " ORDER BY 1, 2"
    before = await rows(database, everything)
    found = await repair(database)
    assert found.equal
    assert found.rows == {
        "click_first": 15,
        "click_series": 18,
        "click_by": 42,
        "contact_engagement": 4,
        "message_count": 1,
        "report_count": 1,
        "step_time": 1,
        "enrollment_count": 1,
        "step_count": 2,
        "trigger_count": 2,
        "person_outcome": 0,
        "outcome_count": 0,
    }
    assert await rows(database, everything) == before


async def test_an_empty_database_is_equal(database: Database) -> None:
    assert (await compare(database)).equal


async def test_pieces_are_put_together_without_a_gap(database: Database, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one row in a piece there are as many pieces as rows, and every row is looked at."""
    one = [
        replace(counter, next_piece=counter.next_piece.replace(f"LIMIT {click_first.BLOCK}", "LIMIT 1"))
        for counter in (click_first.WRONG_FIRSTS, click_first.MISSING_FIRSTS)
    ]
    messages = replace(
        message_count.MESSAGE_COUNT,
        next_piece=message_count.NEXT_CONTENTS.replace(f"+ {message_count.BLOCK}", "+ 1"),
    )
    others = [each for each in reconcile.COUNTERS[2:] if each.table != messages.table]
    monkeypatch.setattr(reconcile, "COUNTERS", (*one, *others, messages))
    await damage(database, "UPDATE click_first SET click_id = gen_random_uuid()")
    await damage(database, "UPDATE message_count SET messages = 99")
    different = [each.table for each in (await compare(database)).differences]
    assert (different.count("click_first"), different.count("message_count")) == (15, 1)
    await repair(database)
    assert (await compare(database)).equal


async def test_two_organizations_are_reconciled_together_and_keep_their_own(
    database: Database, database_url: str, sent: Sent
) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = await send(database, other.id, people=2, campaign_id=new_id())
    await store(database_url, [click(theirs, n % 2, clicked_at=NOON) for n in range(5)])
    await record(database)
    own = "SELECT kept::text FROM click_series kept WHERE scope_id = :id ORDER BY 1"
    before = await rows(database, own, id=theirs.scope["campaign_id"])
    await damage(database, "UPDATE click_series SET clicks = 0")
    await repair(database)
    assert await rows(database, own, id=theirs.scope["campaign_id"]) == before
    await assert_counters_equal_rows(database)


async def test_a_repair_beside_recorders_at_work_loses_and_doubles_nothing(
    database: Database, database_url: str, sent: Sent
) -> None:
    await damage(database, "UPDATE click_series SET clicks = clicks + 7")
    await damage(database, "UPDATE click_by SET people = people + 7")
    await damage(database, "DELETE FROM click_first WHERE scope = 'campaign'")
    for start in range(0, 200, 50):
        await store(database_url, [click(sent, n % 4, n % 2) for n in range(start, start + 50)])
    recorders = [RecordClicks(database, GeoLocations(), batch_rows=20) for _ in range(2)]

    async def record_all(recorder: RecordClicks) -> None:
        while (await recorder.record_clicks(ALL)).remaining:
            pass

    await asyncio.gather(*map(record_all, recorders), *(repair(database) for _ in range(3)))
    await record(database)
    assert await rows(database, "SELECT count(*) FROM click") == [212]
    await repair(database)
    assert (await compare(database)).equal
    await assert_counters_equal_rows(database)


async def test_nothing_differs_for_those_who_look_while_clicks_are_recorded_and_messages_sent(
    database: Database, database_url: str, sent: Sent
) -> None:
    await store(database_url, [click(sent, n % 4, n % 2) for n in range(200)])
    recorder = RecordClicks(database, GeoLocations(), batch_rows=10)

    async def record_all() -> None:
        while (await recorder.record_clicks(ALL)).remaining:
            pass

    async def change_messages() -> None:
        for n in range(40):
            async with database.transaction() as session:
                states = list(MessageState)
                change = update(Message).where(col(Message.recipient_number) == n % 4)
                await session.execute(change.values(state=states[n % len(states)]))

    async def look() -> bool:
        return all([(await compare(database)).equal for _ in range(8)])

    _, _, equal, also = await asyncio.gather(record_all(), change_messages(), look(), look())
    assert equal
    assert also


async def test_several_repairs_at_once_add_what_is_missing_once(database: Database, sent: Sent) -> None:
    await damage(database, "UPDATE click_series SET clicks = 0")
    await damage(database, "UPDATE message_count SET messages = 0")
    await asyncio.gather(*(repair(database) for _ in range(4)))
    assert (await compare(database)).equal
    await assert_counters_equal_rows(database)
