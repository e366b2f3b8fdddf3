"""Clicks too soon after the send and clicks long after it: the one wakes nobody, the other is recorded like any other."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from temporalio.client import Client

from activities.record_clicks import RecordClicks
from models.base import made_at, new_id, now
from models.clicks.early import EARLY, is_early
from models.clicks.inbox import InboxClick
from models.database import Database
from models.organizations.organization import Organization
from models.wire.clicks import FindClick, RecorderInput
from services.clicks.find_click import find_click
from services.clicks.geo_locations import GeoLocations
from services.deliver_signals import SignalDelivery
from tests.clicks import Sent, assert_counters_equal_rows, click, rows, send, store

SECOND = timedelta(seconds=1)
ALL = RecorderInput(shard=0, shards=1)
VERDICTS = "SELECT verdict, reason FROM click ORDER BY id"
OUTBOX = "SELECT click_id, outcome FROM signal_outbox"


@pytest.fixture
def delivery(database: Database, temporal: Client) -> SignalDelivery:
    return SignalDelivery(database, temporal)


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, wakes=[0, 1], enrollment_id=new_id(), step_key="hello", step_run=3)


async def arrives(database: Database, at: datetime | None, kind: str = "http", state: str = "accepted") -> None:
    """All messages were accepted at this time, by a channel of this kind."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE channel SET kind = :kind"), {"kind": kind})
        await session.execute(text("UPDATE message SET accepted_at = :at, state = :state"), {"at": at, "state": state})


async def claimed(database: Database, at: datetime) -> None:
    """All messages are being sent since this time."""
    await arrives(database, None, state="sending")
    async with database.transaction() as session:
        await session.execute(text("UPDATE message SET sending_at = :at"), {"at": at})


async def record(database: Database) -> int:
    return (await RecordClicks(database, GeoLocations()).record_clicks(ALL)).recorded


def test_two_seconds_are_early_and_no_more() -> None:
    at = now()
    assert is_early(at + EARLY - SECOND / 1000, at)
    assert is_early(at - SECOND, at)  # a scanner on the way clicks before the provider has answered
    assert not is_early(at + EARLY, at)
    assert not is_early(at, None)


def test_a_click_id_knows_its_time() -> None:
    assert abs(made_at(new_id()) - now()) < SECOND


@pytest.mark.parametrize(("ago", "state"), [(0.5, "accepted"), (None, "sending")])
async def test_a_click_that_nobody_can_have_made_is_suspect_and_wakes_nobody(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery, ago: float | None, state: str
) -> None:
    await arrives(database, None if ago is None else now() - ago * SECOND, state=state)
    made = click(sent)
    assert await delivery.deliver(await store(database_url, [made], wakes=True)) == 1
    assert await rows(database, OUTBOX) == [(made.id, "not_human")]
    assert await record(database) == 1
    assert await rows(database, VERDICTS) == [("suspect", "early")]
    await assert_counters_equal_rows(database)


@pytest.mark.parametrize(
    ("ago", "kind", "state"), [(0.1, "simulator", "accepted"), (30, "http", "accepted"), (None, "http", "unknown")]
)
async def test_other_clicks_are_peoples(
    database: Database,
    database_url: str,
    sent: Sent,
    delivery: SignalDelivery,
    ago: float | None,
    kind: str,
    state: str,
) -> None:
    await arrives(database, None if ago is None else now() - ago * SECOND, kind, state)
    await delivery.deliver(await store(database_url, [click(sent)], wakes=True))
    assert [outcome for _, outcome in await rows(database, OUTBOX)] == ["closed"]
    await record(database)
    assert [verdict for verdict, _ in await rows(database, VERDICTS)] == ["human"]


async def test_a_persons_click_counts_though_the_sender_died_before_it_knew_of_the_delivery(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery
) -> None:
    await claimed(database, now() - 30 * SECOND)
    await delivery.deliver(await store(database_url, [click(sent)], wakes=True))
    assert [outcome for _, outcome in await rows(database, OUTBOX)] == ["closed"]
    await record(database)
    assert [verdict for verdict, _ in await rows(database, VERDICTS)] == ["human"]


async def test_a_person_gets_through_after_a_machine_that_was_early(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery
) -> None:
    await arrives(database, now())
    await delivery.deliver(await store(database_url, [click(sent)], wakes=True))
    await arrives(database, now() - 60 * SECOND)
    person = click(sent)
    links = await store(database_url, [person], wakes=True)
    assert len(links) == 1
    await delivery.deliver(links)
    assert await rows(database, OUTBOX) == [(person.id, "closed")]


async def test_a_person_gets_through_while_the_machines_signal_is_still_open(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery
) -> None:
    machine = _made_before(click(sent), SECOND * 20)
    await store(database_url, [machine], wakes=True)
    await arrives(database, now() - 20 * SECOND)
    person = click(sent)
    await store(database_url, [person], wakes=True)
    assert await rows(database, "SELECT count(*) FROM signal_outbox") == [1]
    await delivery.sweep()
    assert await rows(database, OUTBOX) == [(person.id, "closed")]


async def test_a_timer_does_not_take_an_early_click_for_a_persons(
    database: Database, database_url: str, sent: Sent, organization: tuple[Organization, str]
) -> None:
    question = FindClick(org_id=organization[0].id, enrollment_id=sent.scope["enrollment_id"], step_runs=(3,))
    await arrives(database, now())
    await store(database_url, [click(sent)], wakes=True)
    async with database.transaction() as session:
        assert (await find_click(session, question)).signal is None


def _made_before(made: InboxClick, time: timedelta) -> InboxClick:
    """The same click, earlier; its id says so too."""
    milliseconds = int(time.total_seconds() * 1000)
    return made._replace(id=type(made.id)(int=made.id.int - (milliseconds << 80)), clicked_at=made.clicked_at - time)


async def test_a_scanner_that_hammers_a_link_makes_one_signal_and_no_more(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery
) -> None:
    for _ in range(10):
        await delivery.deliver(await store(database_url, [click(sent) for _ in range(300)], wakes=True))
    await delivery.sweep()
    assert await rows(database, "SELECT outcome, attempts FROM signal_outbox") == [("closed", 1)]
    assert await rows(database, "SELECT count(*) FROM click_inbox") == [3000]


async def test_a_click_years_after_the_end_is_recorded_like_any_other(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery
) -> None:
    """The workflow is gone from Temporal, and everything that knew it has ended."""
    await arrives(database, now() - timedelta(days=1200))
    await delivery.deliver(await store(database_url, [click(sent)], wakes=True))
    assert [outcome for _, outcome in await rows(database, OUTBOX)] == ["closed"]
    assert await record(database) == 1
    assert await rows(database, VERDICTS) == [("human", "looks_human")]
    await assert_counters_equal_rows(database)
