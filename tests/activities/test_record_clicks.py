"""Recording: each click once, counters equal rows, a bad row alone is set aside."""

import asyncio
import random
import threading
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities import record_clicks
from activities.record_clicks import RecordClicks
from models.base import new_id, now
from models.campaigns.campaign import Campaign
from models.channels.channel import channels_by_name
from models.clicks.inbox import InboxClick
from models.database import Database
from models.organizations.organization import Organization
from models.wire.clicks import RecorderInput
from services.clicks.devices import Device, read_device
from services.clicks.geo_locations import GeoLocations
from tests.clicks import IPHONE, LONDON, NOON, Sent, assert_counters_equal_rows, click, clicks_of, rows, send, store

COUNTERS = "SELECT kept::text FROM click_series kept UNION ALL SELECT kept::text FROM click_by kept ORDER BY 1"
ALL = RecorderInput(shard=0, shards=1)


@pytest.fixture
def recorder(database: Database) -> RecordClicks:
    return RecordClicks(database, GeoLocations(), batch_rows=50)


async def record_all(recorder: RecordClicks, part: RecorderInput = ALL) -> int:
    total = 0
    while True:
        result = await recorder.record_clicks(part)
        total += result.recorded
        if not result.remaining:
            return total


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, people=5, campaign_id=new_id(), sequence_id=new_id())


async def test_recording_has_threads_of_its_own(
    database_url: str, sent: Sent, recorder: RecordClicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is at work in the threads that others share, clicks are described meanwhile."""
    threads: set[str] = set()

    def read(user_agent: str) -> Device:
        threads.add(threading.current_thread().name)
        return read_device(user_agent)

    monkeypatch.setattr(record_clicks, "read_device", read)
    await store(database_url, [click(sent)])
    assert await record_all(recorder) == 1
    assert {name.partition("_")[0] for name in threads} == {"describe"}


async def test_a_click_without_a_message_is_set_aside_and_the_others_go_on(
    database: Database, database_url: str, sent: Sent, recorder: RecordClicks
) -> None:
    good = click(sent)
    bad = [
        click(sent, recipient_number=999),
        click(sent, position=30),
        click(sent, content_id=12345),
        click(sent, clicked_at=now() + timedelta(days=400)),
    ]
    await store(database_url, [bad[0], good, *bad[1:]])
    assert await record_all(recorder) == 1
    assert await clicks_of(database) == [good.id]
    rejected = dict(await rows(database, "SELECT id, problem FROM click_rejected"))
    assert rejected.keys() == {each.id for each in bad}
    assert "message 999" in rejected[bad[0].id]
    assert "position 30" in rejected[bad[1].id]
    assert "clock" in rejected[bad[3].id]
    assert await rows(database, "SELECT * FROM click_inbox") == []
    await assert_counters_equal_rows(database)


async def test_a_click_that_postgresql_refuses_is_set_aside_alone(
    database: Database, database_url: str, sent: Sent, recorder: RecordClicks
) -> None:
    async with database.transaction() as session:
        await (await session.connection()).exec_driver_sql("ALTER TABLE click ADD CHECK (reason <> 'poison')")
    clicks = [click(sent, n % 5, reason="poison" if n == 3 else "fine") for n in range(8)]
    await store(database_url, clicks)
    assert await record_all(recorder) == 7
    assert await rows(database, "SELECT id FROM click_rejected") == [clicks[3].id]
    await assert_counters_equal_rows(database)


async def test_the_same_clicks_again_change_nothing(
    database: Database, database_url: str, sent: Sent, recorder: RecordClicks
) -> None:
    clicks = [click(sent, n % 5, n % 2) for n in range(20)]
    await store(database_url, clicks)
    assert await record_all(recorder) == 20
    before = await rows(database, COUNTERS)
    await store(database_url, clicks)
    assert await record_all(recorder) == 0
    after = await rows(database, COUNTERS)
    assert after == before
    await assert_counters_equal_rows(database)


async def test_a_full_batch_is_followed_by_a_rest_while_processors_are_short_and_until_the_worker_is_to_stop(
    database: Database, database_url: str, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_clicks, "REST", 1e9)
    monkeypatch.setattr(record_clicks, "LONGEST_REST", 600.0)
    await store(database_url, [click(sent, n % 5) for n in range(15)])
    recorder = RecordClicks(database, GeoLocations(), batch_rows=10, waited=count(step=100.0).__next__)
    worker = ActivityEnvironment()
    worker.worker_shutdown()
    assert (await worker.run(recorder.record_clicks, ALL)).remaining
    assert recorder.meters.rested == 600
    # The second batch is not full: nothing waits for a processor because of it.
    assert not (await worker.run(recorder.record_clicks, ALL)).remaining
    assert recorder.meters.rested == 600
    assert len(await clicks_of(database)) == 15


async def test_with_processors_to_spare_nobody_rests(database: Database, database_url: str, sent: Sent) -> None:
    await store(database_url, [click(sent, n % 5) for n in range(10)])
    recorder = RecordClicks(database, GeoLocations(), batch_rows=10, waited=lambda: 4711.0)
    assert (await recorder.record_clicks(ALL)).remaining
    assert recorder.meters.rested == 0


async def test_recorders_at_once_and_clicks_out_of_order_keep_counters_equal_to_rows(
    database: Database, database_url: str, organization: tuple[Organization, str]
) -> None:
    chance = random.Random(7)
    campaign, sequence = new_id(), new_id()
    first = await send(database, organization[0].id, people=8, campaign_id=campaign)
    second = await send(database, organization[0].id, contacts=first.contacts, sequence_id=sequence)
    clicks = [_any_click(chance, [first, second]) for _ in range(600)]
    recorders = [RecordClicks(database, GeoLocations(), batch_rows=40) for _ in range(3)]
    for start in range(0, 600, 150):
        # Some of what was stored before comes once more, as after a commit whose answer was lost.
        part = clicks[start : start + 150] + chance.sample(clicks[: start + 1], min(30, start))
        chance.shuffle(part)
        await store(database_url, part)
        await asyncio.gather(*(record_all(recorder) for recorder in recorders))
    # Recorders that take parts of the same batch each see one that is not full, and all may end before the rest.
    await record_all(recorders[0])
    assert await clicks_of(database) == sorted(each.id for each in clicks)
    await assert_counters_equal_rows(database)


def _any_click(chance: random.Random, sents: Sequence[Sent]) -> InboxClick:
    sent = chance.choice(sents)
    kept = chance.random() < 0.8
    return click(
        sent,
        chance.randrange(len(sent.contacts)),
        chance.randrange(2),
        verdict=chance.choice(["human", "human", "suspect", "bot"]),
        clicked_at=NOON + timedelta(minutes=chance.randrange(60 * 24 * 40)),
        ip=chance.choice([LONDON, "2001:4860:4860::8888", "10.0.0.1", None]) if kept else None,
        user_agent=chance.choice([IPHONE, "", "curl/8.0"]) if kept else None,
    )


async def test_each_shard_records_its_own_clicks(
    database: Database, database_url: str, sent: Sent, recorder: RecordClicks
) -> None:
    clicks = [click(sent, n) for n in range(5)]
    await store(database_url, clicks)
    counts = [await record_all(recorder, RecorderInput(shard=shard, shards=3)) for shard in range(3)]
    assert sum(counts) == 5
    assert max(counts) < 5


async def test_a_click_is_kept_with_place_and_device_and_without_the_address(
    database: Database, database_url: str, sent: Sent, recorder: RecordClicks
) -> None:
    made = click(sent)
    await store(database_url, [made])
    await record_all(recorder)
    assert await rows(database, "SELECT country, region, city, device_type, browser, os FROM click_metadata") == [
        ("GB", "England", "Gamlingay", "phone", "Mobile Safari", "iOS")
    ]
    assert await rows(database, "SELECT link_id, contact_id, campaign_id, sequence_id, verdict FROM click") == [
        (sent.link_ids[0], sent.contacts[0], sent.scope["campaign_id"], sent.scope["sequence_id"], "human")
    ]
    assert await rows(database, "SELECT scope, clicks, people FROM click_series ORDER BY scope") == [
        ("campaign", 1, 1),
        ("organization", 1, 0),
        ("sequence", 1, 1),
    ]


DESCRIBED = "SELECT click_id, country, city, device_type, browser, os FROM click_metadata"


async def test_an_unknown_place_still_has_a_metadata_row_and_no_metadata_has_none(
    database: Database, database_url: str, sent: Sent, recorder: RecordClicks
) -> None:
    unknown, none = click(sent, ip="10.1.2.3", user_agent=""), click(sent, ip=None, user_agent=None)
    await store(database_url, [unknown, none])
    await record_all(recorder)
    assert await rows(database, DESCRIBED) == [(unknown.id, None, None, "other", None, None)]


async def test_a_machine_has_no_phone_whatever_it_says(
    database: Database, database_url: str, sent: Sent, recorder: RecordClicks
) -> None:
    await store(database_url, [click(sent, verdict="bot"), click(sent, verdict="bot", user_agent="curl/8.0")])
    await record_all(recorder)
    assert await rows(database, "SELECT device_type FROM click_metadata") == ["bot", "bot"]
    assert set(await rows(database, "SELECT value FROM click_by WHERE dimension = 'device_type'")) == {"bot"}


async def test_clicks_of_a_new_month_make_its_partition(
    database: Database, database_url: str, sent: Sent, recorder: RecordClicks
) -> None:
    first, last = NOON.replace(month=12, day=1, hour=0, year=2024), NOON.replace(month=12, day=31, hour=23, year=2024)
    await store(database_url, [click(sent, clicked_at=first), click(sent, clicked_at=last), click(sent, clicked_at=NOON)])
    assert await record_all(recorder) == 3
    assert await rows(database, "SELECT tableoid::regclass::text, count(*) FROM click GROUP BY 1 ORDER BY 1") == [
        ("click_p2024_12", 2),
        ("click_p2026_03", 1),
    ]


async def test_campaigns_are_told_at_most_every_few_seconds_and_a_missing_workflow_is_no_error(
    database: Database, database_url: str, organization: tuple[Organization, str], temporal: Client
) -> None:
    campaign_id = await _campaign(database, organization[0].id)
    sent = await send(database, organization[0].id, people=3, campaign_id=campaign_id)
    recorder = RecordClicks(database, GeoLocations(), temporal)
    await store(database_url, [click(sent, n) for n in range(3)])
    await record_all(recorder)
    told = await rows(database, "SELECT digest_at FROM campaign")
    assert told != [None]
    await store(database_url, [click(sent)])
    await record_all(recorder)
    assert await rows(database, "SELECT digest_at FROM campaign") == told


async def _campaign(database: Database, org_id: UUID) -> UUID:
    async with database.transaction() as session:
        channel = (await channels_by_name(session, org_id))["simulator-sms"]
        campaign = Campaign(org_id=org_id, name="Campaign", channel_id=channel.id, message={}, audience={})
        session.add(campaign)
    return campaign.id
