"""The daily upkeep: what it removes of whom, in turns, and what it leaves when something is in the way."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import upkeep
from activities.upkeep import Upkeep
from models.base import now
from models.clicks.partitions import months_ahead, partition_name
from models.clicks.retention import retire_clicks
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.platform.partitioned import Partitioned
from models.wire.upkeep import KeptPartitions, RetiredClicks
from tests.clicks import assert_counters_equal_rows, rows
from tests.rows import Rows


async def retire(database: Database) -> RetiredClicks:
    return await ActivityEnvironment().run(Upkeep(database).retire_clicks)


async def clicks_of_ages(database: Database, org_id: UUID, *days: int) -> None:
    made = Rows(database, org_id)
    message = await made.message((await made.campaign()).content_id, await made.contact())
    for each in days:
        await made.click(message, at=now().replace(microsecond=0) - timedelta(days=each))


async def keep_for(database: Database, org_id: UUID, days: int | None) -> None:
    async with database.transaction() as session:
        (await session.get_one(Organization, org_id)).click_retention_days = days


@pytest.fixture
async def other(database: Database) -> UUID:
    async with database.transaction() as session:
        return (await create_organization(session, "Other"))[0].id


async def test_each_organization_loses_what_is_older_than_it_keeps(
    database: Database, organization: tuple[Organization, str], other: UUID
) -> None:
    own = organization[0].id
    await clicks_of_ages(database, own, 10, 40, 400)
    await clicks_of_ages(database, other, 10, 40, 400)
    assert await retire(database) == RetiredClicks(clicks=0, more=False)
    await keep_for(database, own, 30)
    await keep_for(database, other, 365)
    assert await retire(database) == RetiredClicks(clicks=3, more=False)
    counts = "SELECT count(*) FROM click WHERE org_id = :org_id"
    assert (await rows(database, counts, org_id=own), await rows(database, counts, org_id=other)) == ([1], [2])
    await assert_counters_equal_rows(database)


async def test_a_large_organization_does_not_hold_up_a_small_one(
    database: Database, organization: tuple[Organization, str], other: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 2)
    order: list[UUID] = []

    async def noted(session: AsyncSession, org_id: UUID, *arguments: Any) -> int:
        order.append(org_id)
        return await retire_clicks(session, org_id, *arguments)

    monkeypatch.setattr(upkeep, "retire_clicks", noted)
    large, small = organization[0].id, other
    await clicks_of_ages(database, large, *range(40, 46))
    await clicks_of_ages(database, small, 40)
    for each in (large, small):
        await keep_for(database, each, 30)
    assert await retire(database) == RetiredClicks(clicks=7, more=False)
    assert order.index(small) <= 1
    assert order.count(large) == 4


async def test_a_slice_ends_in_time_and_says_that_there_is_more(
    database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await clicks_of_ages(database, organization[0].id, 40)
    await keep_for(database, organization[0].id, 30)
    monkeypatch.setattr(upkeep, "SLICE", 0.0)
    assert await retire(database) == RetiredClicks(clicks=0, more=True)


async def test_an_organization_whose_clicks_are_locked_is_left_to_another_day(
    database: Database, organization: tuple[Organization, str], other: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "PATIENCE", upkeep.PATIENCE._replace(lock=0.1))
    for each in (organization[0].id, other):
        await clicks_of_ages(database, each, 40)
        await keep_for(database, each, 30)
    async with database.transaction() as session:
        await session.execute(text("SELECT FROM click WHERE org_id = :org_id FOR UPDATE"), {"org_id": other})
        assert await retire(database) == RetiredClicks(clicks=1, more=False)
    assert await retire(database) == RetiredClicks(clicks=1, more=False)


async def test_partitions_are_made_ahead_and_one_table_does_not_hold_up_another(database: Database) -> None:
    async def broken(_: Database, __: datetime) -> Sequence[str]:
        raise OperationalError("", {}, Exception())

    made = await ActivityEnvironment().run(Upkeep(database).make_partitions)
    assert isinstance(made, KeptPartitions)
    assert set(made.names) <= {partition_name(month) for month in months_ahead(now())}
    called: list[str] = []

    async def fine(_: Database, __: datetime) -> Sequence[str]:
        called.append("second")
        return []

    both = Upkeep(database, [Partitioned("first", broken, broken), Partitioned("second", fine, fine)])
    with pytest.raises(ApplicationError, match="of first could not"):
        await ActivityEnvironment().run(both.drop_partitions)
    assert called == ["second"]
