"""Correcting verdicts: all counters say what the rows say, whoever records, corrects and removes at the same time."""

import asyncio
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from models.base import new_id
from models.clicks.click import Scope
from models.clicks.correction import correct_verdict
from models.clicks.partitions import make_partition
from models.clicks.recording import DescribedClick, Metadata, keep_clicks
from models.clicks.retention import retire_clicks
from models.clicks.verdict import Verdict
from models.contacts.personal_data import Whose, erase_rows
from models.database import Database
from models.errors import NotFound
from models.organizations.organization import Organization
from models.reconcile import reconcile
from tests.clicks import NOON, Sent, assert_counters_equal_rows, click, rows, send
from tests.ids import id_at

PHONE = Metadata("DE", "Berlin", "phone", "Mobile Safari", "iOS", "Land Berlin")
DESKTOP = Metadata("FR", "Paris", "desktop", "Firefox", "Linux")
BY_VERDICT = """
SELECT verdict, sum(clicks), sum(people), sum(link_people) FROM click_series
WHERE scope = 'campaign' GROUP BY verdict ORDER BY verdict
"""


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    async with database.transaction() as session:
        await make_partition(session, NOON.replace(day=1, hour=0))
    return await send(database, organization[0].id, people=4, campaign_id=new_id(), sequence_id=new_id())


async def keep(  # noqa: PLR0913, RUF100 - what a click has
    database: Database,
    sent: Sent,
    person: int = 0,
    position: int = 0,
    *,
    at: datetime = NOON,
    verdict: str = "human",
    metadata: Metadata | None = PHONE,
) -> UUID:
    made = click(sent, person, position, id=id_at(at), clicked_at=at, verdict=verdict)
    async with database.transaction() as session:
        await keep_clicks(session, [DescribedClick(made, metadata)])
    return made.id


async def correct(database: Database, sent: Sent, click_id: UUID, verdict: str) -> None:
    async with database.transaction() as session:
        await correct_verdict(session, sent.org_id, click_id, Verdict(verdict))


async def assert_equal(database: Database) -> None:
    await assert_counters_equal_rows(database)
    assert (await reconcile.compare(database)).differences == []


async def test_the_person_counts_at_the_oldest_click_that_is_left(database: Database, sent: Sent) -> None:
    first = await keep(database, sent, at=NOON)
    await keep(database, sent, at=NOON + timedelta(hours=2), position=1, metadata=DESKTOP)
    oldest = await keep(database, sent, at=NOON + timedelta(hours=1), position=1, metadata=DESKTOP)
    await correct(database, sent, first, "bot")
    assert await rows(database, BY_VERDICT) == [("bot", 1, 1, 1), ("human", 2, 1, 1)]
    assert await rows(database, "SELECT click_id FROM click_first WHERE scope = 'campaign' AND verdict = 'human'") == [oldest]
    country = (
        "SELECT value, clicks, people FROM click_by WHERE scope = 'campaign' AND dimension = 'country' AND verdict = 'human'"
    )
    assert await rows(database, country) == [("FR", 2, 1)]
    assert await rows(database, "SELECT clicks, last_click_at FROM contact_engagement") == [(2, NOON + timedelta(hours=2))]
    await assert_equal(database)


async def test_the_last_click_of_a_person_takes_the_person_along(database: Database, sent: Sent) -> None:
    only = await keep(database, sent)
    await correct(database, sent, only, "suspect")
    assert await rows(database, BY_VERDICT) == [("suspect", 1, 1, 1)]
    assert await rows(database, "SELECT * FROM contact_engagement") == []
    assert await rows(database, "SELECT DISTINCT verdict FROM click_by") == ["suspect"]
    assert await rows(database, "SELECT verdict, reason FROM click") == [("suspect", "corrected")]
    assert await rows(database, "SELECT verdict FROM click_metadata") == ["suspect"]
    await assert_equal(database)


async def test_there_and_back_leaves_everything_as_it_was(database: Database, sent: Sent) -> None:
    everything = """
        SELECT kept::text FROM click_series kept UNION ALL SELECT kept::text FROM click_by kept
        UNION ALL SELECT kept::text FROM click_first kept UNION ALL SELECT kept::text FROM contact_engagement kept ORDER BY 1
    """
    made = await keep(database, sent)
    await keep(database, sent, 1, verdict="bot")
    before = await rows(database, everything)
    await correct(database, sent, made, "bot")
    assert await rows(database, everything) != before
    await correct(database, sent, made, "human")
    assert await rows(database, everything) == before


async def test_a_click_that_has_the_verdict_stays_as_it_is(database: Database, sent: Sent) -> None:
    made = await keep(database, sent)
    await correct(database, sent, made, "human")
    assert await rows(database, "SELECT reason FROM click") == ["looks_human"]
    for _ in range(2):
        await correct(database, sent, made, "bot")
    assert await rows(database, "SELECT old_verdict, old_reason, verdict FROM click_correction") == [
        ("human", "looks_human", "bot")
    ]
    await assert_equal(database)


async def test_the_times_of_a_quarter_of_an_hour_are_those_of_the_clicks_that_are_left(database: Database, sent: Sent) -> None:
    made = [await keep(database, sent, n, at=NOON + timedelta(minutes=n)) for n in range(4)]
    await correct(database, sent, made[0], "bot")
    await correct(database, sent, made[3], "bot")
    times = "SELECT scope, first_at, last_at FROM click_series WHERE verdict = 'human' ORDER BY scope"
    left = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)
    assert await rows(database, times) == [("campaign", *left), ("organization", *left), ("sequence", *left)]
    await assert_equal(database)


async def test_a_click_on_the_message_of_a_trigger_and_one_without_metadata_are_corrected(
    database: Database, organization: tuple[Organization, str], sent: Sent
) -> None:
    alone = await send(database, organization[0].id, people=1)
    for made in [await keep(database, alone), await keep(database, alone, metadata=None)]:
        await correct(database, sent, made, "bot")
        await assert_equal(database)


async def test_another_organizations_click_and_one_that_is_gone_are_not_found(database: Database, sent: Sent) -> None:
    made = await keep(database, sent)
    async with database.transaction() as session:
        with pytest.raises(NotFound):
            await correct_verdict(session, new_id(), made, Verdict.BOT)
        await retire_clicks(session, sent.org_id, NOON + timedelta(days=1), 10)
    with pytest.raises(NotFound):
        await correct(database, sent, made, "bot")
    await assert_equal(database)


async def test_what_retention_removed_stays_counted_when_later_clicks_are_corrected(database: Database, sent: Sent) -> None:
    await keep(database, sent, at=NOON)
    await keep(database, sent, at=NOON + timedelta(minutes=1), verdict="bot")
    later = [await keep(database, sent, at=NOON + timedelta(minutes=minutes)) for minutes in (2, 20)]
    async with database.transaction() as session:
        assert await retire_clicks(session, sent.org_id, NOON + timedelta(minutes=2), 10) == 2
    for made in later:
        await correct(database, sent, made, "bot")
        await assert_equal(database)
    assert await rows(database, BY_VERDICT) == [("bot", 3, 1, 1), ("human", 1, 1, 1)]
    assert await rows(database, "SELECT clicks, retired_clicks FROM contact_engagement") == [(1, 1)]
    assert await rows(database, "SELECT count(*) FROM click_correction") == [2]
    async with database.transaction() as session:
        assert await retire_clicks(session, sent.org_id, NOON + timedelta(days=1), 10) == 2
    assert await rows(database, "SELECT count(*) FROM click_correction") == [0]
    await assert_equal(database)


async def test_a_click_of_the_person_that_is_being_recorded_is_not_overlooked(database: Database, sent: Sent) -> None:
    """The recorder has counted it as a second click and has not committed; then the first one is corrected."""
    first = await keep(database, sent)
    async with database.transaction() as session:
        second = click(sent, id=id_at(NOON + timedelta(minutes=1)), clicked_at=NOON + timedelta(minutes=1))
        await keep_clicks(session, [DescribedClick(second, PHONE)])
        correcting = asyncio.create_task(correct(database, sent, first, "bot"))
        done, _ = await asyncio.wait([correcting], timeout=0.5)
        assert not done
    await correcting
    assert await rows(database, BY_VERDICT) == [("bot", 1, 1, 1), ("human", 1, 1, 1)]
    await assert_equal(database)


async def test_a_click_of_the_person_that_comes_while_the_first_one_is_corrected_is_the_first_one(
    database: Database, sent: Sent
) -> None:
    first = await keep(database, sent)
    async with database.transaction() as session:
        await correct_verdict(session, sent.org_id, first, Verdict.BOT)
        recording = asyncio.create_task(keep(database, sent, at=NOON + timedelta(minutes=1)))
        done, _ = await asyncio.wait([recording], timeout=0.5)
        assert not done
    await recording
    assert await rows(database, BY_VERDICT) == [("bot", 1, 1, 1), ("human", 1, 1, 1)]
    await assert_equal(database)


async def test_recorders_corrections_retention_and_erasure_at_once_end_with_counters_that_equal_rows(
    database: Database, sent: Sent
) -> None:
    choice = Random(13)
    made = [await keep(database, sent, n % 4, n % 2, at=NOON + timedelta(minutes=n)) for n in range(40)]

    async def record(part: int) -> None:
        for _ in range(12):
            clicks = [
                click(sent, person, position, id=id_at(at), clicked_at=at, verdict=choice.choice(list(Verdict)))
                for person in choice.sample(range(4), 4)
                for position in range(2)
                for at in [NOON + timedelta(minutes=choice.randrange(90) + part)]
            ]
            async with database.transaction() as session:
                await keep_clicks(session, [DescribedClick(each, choice.choice([PHONE, DESKTOP, None])) for each in clicks])

    async def change() -> None:
        for click_id in choice.sample(made[10:], 20):
            await correct(database, sent, click_id, choice.choice(list(Verdict)))

    async def retire() -> None:
        for minutes in range(10):
            async with database.transaction() as session:
                await retire_clicks(session, sent.org_id, NOON + timedelta(minutes=minutes), 3)

    async def erase() -> None:
        async with database.transaction() as session:
            await erase_rows(session, Whose(sent.org_id, sent.contacts[3], [], []))

    await asyncio.gather(record(0), record(1), change(), change(), retire(), erase())
    total = await rows(database, "SELECT sum(clicks) FROM click_series WHERE scope = :scope", scope=Scope.ORGANIZATION.value)
    assert total == [40 + 2 * 12 * 8]
    await assert_equal(database)
