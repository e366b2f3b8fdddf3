"""The counters of waiting times and of enrollments equal the rows, however those are made, changed and removed."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, text, update
from sqlmodel import col

from models.clicks.counters import DELAYS
from models.database import Database
from models.organizations.organization import Organization
from models.reconcile.enrollment_count import ENROLLMENT_COUNT
from models.reconcile.reconcile import compare, repair
from models.reconcile.step_time import STEP_TIME
from models.sequences.enrollment import Enrollment, EnrollmentState
from models.sequences.progress import close_enrollment
from models.sequences.step_run import StepRun
from tests.clicks import rows as read
from tests.rows import NOON, Rows

OF_STEPS = """
SELECT step_key, bucket, sum(step_runs)::int, sum(milliseconds)::bigint FROM step_time GROUP BY 1, 2 HAVING sum(step_runs) <> 0
"""
OF_ENROLLMENTS = """
SELECT state, outcome, sum(enrollments)::int FROM enrollment_count GROUP BY 1, 2 HAVING sum(enrollments) <> 0 ORDER BY 1, 2
"""


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def passage(database: Database, rows: Rows, waited: timedelta) -> UUID:
    """Somebody who has left the step `wait` after this time."""
    enrollment = await rows.enrollment(await rows.sequence(), await rows.contact())
    await rows.step_run(enrollment, 1, "wait")
    async with database.transaction() as session:
        change = update(StepRun).where(col(StepRun.enrollment_id) == enrollment.id)
        await session.execute(change.values(entered_at=NOON, left_at=NOON + waited, outcome="waited"))
    return enrollment.id


@pytest.mark.parametrize(
    ("waited", "bucket"),
    [
        (timedelta(seconds=-5), "<1m"),
        (timedelta(0), "<1m"),
        (timedelta(microseconds=490_999), "<1m"),
        (timedelta(seconds=59, milliseconds=999), "<1m"),
        *[(limit, bucket) for limit, bucket in zip(list(DELAYS.values())[:-1], list(DELAYS)[1:], strict=True)],
        *[(limit - timedelta(milliseconds=1), bucket) for bucket, limit in list(DELAYS.items())[:-1]],
        (timedelta(days=400), ">7d"),
    ],
)
async def test_a_step_run_is_counted_by_how_long_it_took(database: Database, rows: Rows, waited: timedelta, bucket: str) -> None:
    await passage(database, rows, waited)
    assert await read(database, OF_STEPS) == [("wait", bucket, 1, max(waited // timedelta(milliseconds=1), 0))]


async def test_a_step_run_that_is_changed_or_removed_takes_its_time_along(database: Database, rows: Rows) -> None:
    enrollment_id = await passage(database, rows, timedelta(hours=2))
    async with database.transaction() as session:
        change = update(StepRun).where(col(StepRun.enrollment_id) == enrollment_id)
        await session.execute(change.values(left_at=NOON + timedelta(days=2)))
    assert await read(database, OF_STEPS) == [("wait", "1-3d", 1, 172_800_000)]
    async with database.transaction() as session:
        await session.execute(delete(StepRun))
    assert await read(database, OF_STEPS) == []


async def test_enrollments_are_counted_by_state_and_by_the_word_of_their_end(database: Database, rows: Rows) -> None:
    sequence = await rows.sequence()
    some = [await rows.enrollment(sequence, await rows.contact()) for _ in range(3)]
    await rows.enrollment(sequence, await rows.contact(), EnrollmentState.QUEUED)
    async with database.transaction() as session:
        await close_enrollment(session, some[0].id, "completed", "done")
        await close_enrollment(session, some[1].id, "stopped", "asked by Ada")
    expected = [("completed", "done", 1), ("queued", "", 1), ("running", "", 1), ("stopped", "", 1)]
    assert await read(database, OF_ENROLLMENTS) == expected
    async with database.transaction() as session:
        await session.execute(delete(Enrollment).where(col(Enrollment.state) == "running"))
    assert await read(database, OF_ENROLLMENTS) == [each for each in expected if each[0] != "running"]


async def test_what_is_lost_or_too_much_is_found_and_repaired(database: Database, rows: Rows) -> None:
    await passage(database, rows, timedelta(hours=2))
    assert (await compare(database)).equal
    async with database.transaction() as session:
        for statement in ("UPDATE step_time SET milliseconds = milliseconds + 1", "UPDATE enrollment_count SET enrollments = 7"):
            await session.execute(text(statement))
    found = await compare(database)
    assert [each.table for each in found.differences] == ["step_time", "enrollment_count"]
    await repair(database, [STEP_TIME, ENROLLMENT_COUNT])
    assert (await compare(database)).equal
