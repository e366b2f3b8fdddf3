"""The partitions of `click`: which one has a click, and that whoever knows the id reads no other one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.base import first_id, made_at
from models.clicks.partitions import (
    drop_click_partitions,
    late_partition,
    make_click_partitions,
    make_partition,
    missing_partitions,
    month_of,
    months_ahead,
    partition_name,
)
from models.database import Database
from models.organizations.organization import Organization
from models.paging import PageRequest
from models.reports.click_feed import ClickFilter, clicks_by_id, list_clicks
from tests.ids import id_at
from tests.plans import relations_read, statements
from tests.rows import Rows

MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4)]
MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize("at", [MONTHS[1], MONTHS[2] - MILLISECOND, datetime(2024, 2, 29, 23, 59, 59, 999_000, UTC)])
def test_an_id_keeps_the_millisecond_at_which_it_was_made(at: datetime) -> None:
    assert made_at(id_at(at)) == at
    assert first_id(at) <= id_at(at) < first_id(at + MILLISECOND)
    assert month_of(id_at(at)) == datetime(at.year, at.month, 1, tzinfo=UTC)


def test_the_first_id_of_a_part_of_a_millisecond_is_of_the_next_one() -> None:
    assert first_id(MONTHS[0] + timedelta(microseconds=1)) == first_id(MONTHS[0] + MILLISECOND)


async def test_a_month_gets_one_partition_however_often_it_is_made(database: Database) -> None:
    async with database.transaction() as session:
        for month in (*MONTHS, *MONTHS):
            await make_partition(session, month)
        assert await missing_partitions(session, MONTHS) == []


async def test_the_present_month_and_the_next_two_are_made_ahead_once(database: Database) -> None:
    """Other tests may have left some of them."""
    at = datetime(2029, 11, 30, 23, 59, tzinfo=UTC)
    ahead = [datetime(2029, 11, 1, tzinfo=UTC), datetime(2029, 12, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)]
    async with database.transaction() as session:
        await make_partition(session, ahead[0])
        missing = sorted(await missing_partitions(session, ahead))
    assert months_ahead(at) == ahead
    assert await make_click_partitions(database, at) == [partition_name(month) for month in missing]
    assert await make_click_partitions(database, at) == []
    async with database.transaction() as session:
        assert await missing_partitions(session, ahead) == []


async def test_a_month_is_missed_in_the_last_three_days_before_it(database: Database) -> None:
    june = datetime(2031, 6, 1, tzinfo=UTC)
    async with database.transaction() as session:
        assert await late_partition(session, june - timedelta(days=3)) is None
        assert await late_partition(session, june - timedelta(days=2, hours=23)) == june
        await make_partition(session, june)
        assert await late_partition(session, june - timedelta(seconds=1)) is None


async def test_an_old_month_is_dropped_when_it_is_empty_and_made_again_for_a_late_click(
    database: Database, organization: tuple[Organization, str]
) -> None:
    rows = Rows(database, organization[0].id)
    message = await rows.message((await rows.campaign()).content_id, await rows.contact())
    async with database.transaction() as session:
        for month in MONTHS:
            await make_partition(session, month)
    await rows.click(message, at=MONTHS[1])
    assert "click_p2026_01" in await drop_click_partitions(database, datetime(2026, 3, 15, tzinfo=UTC))
    async with database.transaction() as session:
        assert set(await missing_partitions(session, MONTHS)) == {MONTHS[0]}
    assert "click_p2026_03" in await drop_click_partitions(database, datetime(2026, 5, 10, tzinfo=UTC))
    async with database.transaction() as session:
        assert set(await missing_partitions(session, MONTHS)) == {MONTHS[0], MONTHS[2]}
    late = await rows.click(message, at=MONTHS[0])
    async with database.session() as session:
        assert set(await clicks_by_id(session, [late])) == {late}


async def test_a_month_that_somebody_is_about_to_fill_is_not_dropped(database: Database) -> None:
    async with database.transaction() as session:
        await make_partition(session, MONTHS[0])
    async with database.transaction() as session:
        assert await missing_partitions(session, [MONTHS[0]]) == []
        assert await drop_click_partitions(database, MONTHS[3]) == []
    assert "click_p2026_01" in await drop_click_partitions(database, MONTHS[3])


async def test_who_knows_the_id_of_a_click_or_its_time_reads_one_partition(
    database: Database, organization: tuple[Organization, str]
) -> None:
    rows = Rows(database, organization[0].id)
    campaign = await rows.campaign()
    message = await rows.message(campaign.content_id, await rows.contact())
    clicks = [await rows.click(message, at=month + timedelta(days=27)) for month in MONTHS]
    with statements(database) as sent:
        async with database.session() as session:
            assert set(await clicks_by_id(session, clicks[2:3])) == {clicks[2]}
    assert await months_read(database, sent) == {"click_p2026_03"}
    wanted = ClickFilter(since=MONTHS[1], until=MONTHS[2])
    with statements(database) as sent:
        async with database.session() as session:
            found, _ = await list_clicks(session, rows.org_id, wanted, PageRequest())
    assert [click.id for click in found] == [clicks[1]]
    assert await months_read(database, sent) == {"click_p2026_02"}


async def months_read(database: Database, sent: list[tuple[str, Any]]) -> set[str]:
    return {name for name in await relations_read(database, sent) if name.startswith("click_p")}


def test_a_moment_before_ids_were_made_has_the_lowest_id() -> None:
    assert first_id(datetime(10, 2, 1, tzinfo=UTC)).int == 0
