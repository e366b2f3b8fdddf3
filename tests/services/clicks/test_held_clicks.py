"""Held clicks: neither recorded nor signalled before they are decided, and then by one verdict everywhere."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import Client

from activities.record_clicks import RecordClicks
from models.base import new_id, now
from models.clicks import holds
from models.clicks.inbox import InboxClick, LinkOfRecipient
from models.database import Database
from models.organizations.organization import Organization
from models.wire.clicks import FindClick, RecorderInput
from services.clicks.find_click import find_click
from services.clicks.geo_locations import GeoLocations
from services.clicks.held_clicks import HeldClicks, decide_for
from services.deliver_signals import SignalDelivery
from settings import Settings
from tests.api.redirect.contact import running
from tests.clicks import Sent, assert_counters_equal_rows, click, rows, send, store
from tracking.verdicts.burst import QUIET

URLS = [f"https://example.com/{n}" for n in range(4)]
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
SCANNER: dict[str, Any] = {"ip": "198.51.100.7", "user_agent": CHROME}
VERDICTS = "SELECT position, verdict, reason FROM click ORDER BY clicked_at"
OUTBOX = "SELECT position, click_id FROM signal_outbox"
ALL = RecorderInput(shard=0, shards=1)


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    """A message with four links; something waits for each of them."""
    scope: dict[str, Any] = {"enrollment_id": new_id(), "step_key": "hello", "step_run": 3, "sequence_id": new_id()}
    return await send(database, organization[0].id, URLS, wakes=[0, 1, 2, 3], **scope)


@pytest.fixture
def held(database: Database) -> HeldClicks:
    return HeldClicks(database)


def made(sent: Sent, position: int, ago: float, person: int = 0, hold: float = 10, **changes: Any) -> InboxClick:
    """A held click, so many seconds ago."""
    at = now() - timedelta(seconds=ago)
    return click(sent, person, position, clicked_at=at, held_until=at + timedelta(seconds=hold), **changes)


def scan(sent: Sent, ago: float, **changes: Any) -> list[InboxClick]:
    return [made(sent, n, ago - n / 10, **{**SCANNER, **changes}) for n in range(4)]


async def record(database: Database) -> int:
    return (await RecordClicks(database, GeoLocations()).record_clicks(ALL)).recorded


async def test_a_scanner_that_opens_all_links_wakes_nothing_and_is_recorded_as_suspect(
    database: Database, database_url: str, sent: Sent, held: HeldClicks
) -> None:
    await store(database_url, scan(sent, ago=4))
    decided = await held.decide()
    assert (len(decided.links), decided.waking) == (4, [])
    assert await rows(database, OUTBOX) == []
    assert await record(database) == 4
    assert await rows(database, VERDICTS) == [(n, "suspect", "burst") for n in range(4)]
    await assert_counters_equal_rows(database)


@pytest.mark.parametrize("metadata", [{}, {"ip": None, "user_agent": None}])
async def test_a_scanner_is_found_without_metadata_too(
    database: Database, database_url: str, sent: Sent, held: HeldClicks, metadata: dict[str, Any]
) -> None:
    await store(database_url, scan(sent, ago=4, **metadata))
    assert (await held.decide()).waking == []


@pytest.mark.parametrize("ago", [4.2, 3.85, 3.2])
async def test_a_person_among_a_scanners_hits_gets_through_alone(
    database: Database, database_url: str, sent: Sent, held: HeldClicks, ago: float
) -> None:
    person = made(sent, 2, ago)
    await store(database_url, [*scan(sent, ago=4), person])
    link = LinkOfRecipient(sent.content_id, 0, 2)
    assert (await held.decide()).waking == [link]
    assert await rows(database, OUTBOX) == [(2, person.id)]
    assert await record(database) == 5
    assert await rows(database, "SELECT id FROM click WHERE verdict = 'human'") == [person.id]
    await assert_counters_equal_rows(database)


async def delivered(database: Database, ago: float) -> None:
    """The provider took all messages so many seconds ago."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE message SET accepted_at = now() - CAST(:ago AS interval)"), {"ago": f"{ago} s"})


@pytest.mark.parametrize(("seconds", "after", "waking"), [(2, 3600, 2), (2, 30, 2), (0.4, 3600, 2), (0.4, 5, 0)])
async def test_two_links_of_four_are_judged_by_the_time_between_them_and_since_delivery(
    database: Database, database_url: str, sent: Sent, held: HeldClicks, seconds: float, after: float, waking: int
) -> None:
    await delivered(database, ago=after + 6)
    await store(database_url, [made(sent, 0, ago=6), made(sent, 1, ago=6 - seconds)])
    assert len((await held.decide()).waking) == waking


@pytest.mark.parametrize(("links", "waking"), [(5, 0), (6, 5)])
async def test_five_links_weigh_more_when_the_message_has_no_others(
    database: Database, database_url: str, organization: tuple[Organization, str], held: HeldClicks, links: int, waking: int
) -> None:
    urls = [f"https://example.com/{n}" for n in range(links)]
    sent = await send(database, organization[0].id, urls, wakes=[0, 1, 2, 3, 4])
    await store(database_url, [made(sent, n, ago=12 - 1.9 * n) for n in range(5)])
    assert len((await held.decide()).waking) == waking


async def test_a_person_who_comes_after_the_scanner_gets_through(
    database: Database, database_url: str, sent: Sent, held: HeldClicks
) -> None:
    await store(database_url, scan(sent, ago=20))
    await held.decide()
    assert await record(database) == 4
    person = made(sent, 1, ago=4, **SCANNER)
    await store(database_url, [person])
    await held.decide()
    assert await rows(database, OUTBOX) == [(1, person.id)]


async def test_a_click_is_neither_recorded_nor_signalled_while_its_message_is_not_quiet(
    database: Database, database_url: str, sent: Sent, held: HeldClicks
) -> None:
    await store(database_url, [made(sent, 0, ago=-60)])
    assert (await held.decide()).links == []
    assert await record(database) == 0
    assert await rows(database, OUTBOX) == []
    assert await held.any()


async def test_a_click_on_one_link_goes_on_once_its_message_is_quiet(
    database: Database, database_url: str, sent: Sent, held: HeldClicks
) -> None:
    earlier, person = made(sent, 3, ago=3.3), made(sent, 3, ago=3.1)
    await store(database_url, [earlier, person])
    assert len((await held.decide()).waking) == 1
    assert await rows(database, OUTBOX) == [(3, person.id)]
    assert await record(database) == 2
    assert {verdict for _, verdict, _ in await rows(database, VERDICTS)} == {"human"}
    assert not await held.any()


async def test_a_link_that_nothing_waits_for_is_judged_and_wakes_nothing(
    database: Database, database_url: str, organization: tuple[Organization, str], held: HeldClicks
) -> None:
    sent = await send(database, organization[0].id, URLS, wakes=[0])
    await store(database_url, [made(sent, 1, ago=4)])
    assert (await held.decide()).waking == []
    assert await record(database) == 1


async def test_a_scanner_that_takes_its_time_is_decided_when_the_hold_is_over_and_remembered_until_it_is_quiet(
    database: Database, database_url: str, sent: Sent, held: HeldClicks
) -> None:
    # A minute ahead, so that it does not become quiet while the test runs; the hold of the first one is over all the same.
    ahead: dict[str, Any] = {**SCANNER, "hold": -50}
    await delivered(database, ago=-45)
    slow = [made(sent, n, ago=-49.5 - 1.9 * n, **ahead) for n in range(3)] + [
        made(sent, 2, ago=n, **ahead) for n in (-55.5, -57.5)
    ]
    await store(database_url, slow)
    assert (await held.decide()).waking == []
    assert await record(database) == 4  # the last one is held as evidence
    assert (await held.decide()).links == []
    await store(database_url, [made(sent, 3, ago=-59.5, **ahead)])
    async with database.transaction() as session:
        await session.execute(text("UPDATE click_inbox SET clicked_at = clicked_at - interval '64 seconds'"))
    assert (await held.decide()).waking == []
    assert await record(database) == 2
    assert {(verdict, reason) for _, verdict, reason in await rows(database, VERDICTS)} == {("suspect", "burst")}
    assert await rows(database, OUTBOX) == []


async def test_two_who_decide_at_once_make_one_decision(
    database: Database, database_url: str, organization: tuple[Organization, str], held: HeldClicks
) -> None:
    sent = await send(database, organization[0].id, URLS, wakes=[0], people=60)
    await store(database_url, [made(sent, 0, ago=4, person=n) for n in range(60)])
    decided = await asyncio.gather(*(held.decide() for _ in range(3)))
    assert sorted(link for each in decided for link in each.waking) == [LinkOfRecipient(sent.content_id, n, 0) for n in range(60)]


LOCKED_BY_ANOTHER = "SELECT id FROM click_inbox WHERE id = :id FOR UPDATE"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_a_message_that_another_process_is_deciding_is_left_to_it_and_holds_up_no_other_message(
    database: Database, database_url: str, organization: tuple[Organization, str], held: HeldClicks
) -> None:
    sent = await send(database, organization[0].id, URLS, wakes=[0, 1], people=2)
    twice = [made(sent, 0, ago=4), made(sent, 1, ago=3.5)]
    await store(database_url, [*twice, made(sent, 0, ago=4, person=1)])
    async with database.transaction() as session:
        await session.execute(text(LOCKED_BY_ANOTHER), {"id": twice[1].id})
        assert (await held.decide()).waking == [LinkOfRecipient(sent.content_id, 1, 0)]
        assert (await held.decide()).links == []
    assert sorted((await held.decide()).links) == [LinkOfRecipient(sent.content_id, 0, position) for position in (0, 1)]


async def test_a_timer_waits_for_no_other_message_than_its_own(
    database: Database, database_url: str, sent: Sent, organization: tuple[Organization, str]
) -> None:
    other = await send(database, organization[0].id, URLS, wakes=[0])
    elsewhere, mine = made(other, 0, ago=1), made(sent, 0, ago=1)
    await store(database_url, [elsewhere, mine])
    question = FindClick(org_id=organization[0].id, enrollment_id=sent.scope["enrollment_id"], step_runs=(3,))
    async with database.transaction() as session, database.transaction() as of_timer:
        await session.execute(text(LOCKED_BY_ANOTHER), {"id": elsewhere.id})
        await of_timer.execute(text("SET LOCAL lock_timeout = '1ms'"))
        await decide_for(of_timer, question)
    assert await rows(database, OUTBOX) == [(0, mine.id)]
    assert await rows(database, "SELECT id FROM click_inbox WHERE held_until IS NOT NULL") == [elsewhere.id]


async def test_a_timer_that_meets_another_decision_on_its_message_waits_for_it_and_decides_nothing_twice(
    database: Database, database_url: str, sent: Sent, organization: tuple[Organization, str]
) -> None:
    await store(database_url, scan(sent, ago=4))
    question = FindClick(org_id=organization[0].id, enrollment_id=sent.scope["enrollment_id"], step_runs=(3,))

    async def timer() -> None:
        async with database.transaction() as session:
            await decide_for(session, question)

    async with database.transaction() as session:
        locked = await holds.lock(session, holds.ripe(QUIET, 10), wait=False)
        waits = asyncio.create_task(timer())
        async with asyncio.timeout(60):
            while await rows(database, WAITING) != [1]:
                pass
        await holds.release_holds(session, people=[], scanners=locked, evidence=[])
    await waits
    assert await rows(database, OUTBOX) == []
    assert await rows(database, "SELECT count(*) FROM click_inbox WHERE reason = 'burst' AND held_until IS NULL") == [4]


async def test_the_sweeper_decides_what_a_dead_redirect_left(
    database: Database, database_url: str, sent: Sent, temporal: Client
) -> None:
    await store(database_url, [made(sent, 0, ago=60)])
    assert await SignalDelivery(database, temporal).sweep() == (1, False)
    assert await rows(database, "SELECT outcome FROM signal_outbox") == ["closed"]


async def test_a_timer_that_has_fired_does_not_wait_for_the_hold(
    database: Database, database_url: str, sent: Sent, organization: tuple[Organization, str]
) -> None:
    question = FindClick(org_id=organization[0].id, enrollment_id=sent.scope["enrollment_id"], step_runs=(3,))
    await store(database_url, scan(sent, ago=1))
    async with database.transaction() as session:
        assert (await find_click(session, question)).signal is None
    person = made(sent, 1, ago=0.5)
    await store(database_url, [person])
    async with database.transaction() as session:
        found = await find_click(session, question)
    assert found.signal is not None
    assert found.signal.click_id == person.id


async def test_over_http_a_click_on_a_message_with_one_link_is_never_held(
    settings: Settings, database: Database, organization: tuple[Organization, str], temporal: Client
) -> None:
    single = await send(database, organization[0].id, URLS[:1], wakes=[0])
    several = await send(database, organization[0].id, URLS, wakes=[0])
    holding = settings.model_copy(update={"suspect_hold": timedelta(seconds=10)})
    async with running(holding, temporal) as contact:
        await contact.click(single)
        await contact.click(several)
        await contact.click(several, headers={"User-Agent": "curl/8.0"})
        stored = await rows(database, "SELECT content_id, verdict, held_until - clicked_at FROM click_inbox ORDER BY id")
        outbox = await rows(database, "SELECT content_id FROM signal_outbox")
    hold = timedelta(seconds=10)
    assert stored == [(single.content_id, "human", None), (several.content_id, "human", hold), (several.content_id, "bot", None)]
    assert outbox == [single.content_id]


async def test_over_http_a_held_click_goes_on_by_itself(
    settings: Settings, database: Database, organization: tuple[Organization, str], temporal: Client
) -> None:
    sent = await send(database, organization[0].id, URLS, wakes=[0])
    holding = settings.model_copy(update={"suspect_hold": timedelta(milliseconds=100)})
    async with running(holding, temporal) as contact:
        await contact.click(sent)
        async with asyncio.timeout(20):
            while await rows(database, "SELECT outcome FROM signal_outbox") != ["nobody"]:
                await contact.client.get("/health/live")
