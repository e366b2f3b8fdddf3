"""Live events are forgotten after a day, and none before."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from models.base import now
from models.database import Database
from models.live.slots import SLOTS, empty_old_slots, old_slots
from tests.clicks import rows

ADD = """
INSERT INTO live_event (org_id, kind, state, row_id, slot)
SELECT gen_random_uuid(), 'click', 'human', gen_random_uuid(), slot FROM generate_series(0, 3) AS slot
"""
OWN = "SELECT mod((clock_timestamp() AT TIME ZONE 'UTC')::date - DATE '2026-01-01', 4)"


def slot_of(at: datetime) -> int:
    return (at.date() - datetime(2026, 1, 1, tzinfo=UTC).date()).days % SLOTS


@pytest.mark.parametrize("hour", range(24))
def test_neither_today_nor_yesterday_nor_a_day_that_may_have_begun_elsewhere_is_old(hour: int) -> None:
    at = datetime(2026, 11, 30, hour, 30, tzinfo=UTC)
    near = {slot_of(at - timedelta(days=1)), slot_of(at), slot_of(at + timedelta(hours=1))}
    assert near & set(old_slots(at)) == set()
    assert slot_of(at - timedelta(days=2)) in old_slots(at)


async def test_old_partitions_are_emptied_and_the_others_stay(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text(ADD))
    at = datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert len(await empty_old_slots(database, at)) == 2
    kept = sorted({slot_of(at), slot_of(at - timedelta(days=1))})
    assert await rows(database, "SELECT slot FROM live_event ORDER BY 1") == kept
    assert await empty_old_slots(database, at) == []


async def test_the_database_counts_days_as_the_code_does(database: Database) -> None:
    assert await rows(database, OWN) == [slot_of(now())]
