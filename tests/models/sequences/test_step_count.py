"""The counter of step runs equals the rows while enrollments enter and leave steps, many at once."""

import asyncio

import pytest
from sqlalchemy import update
from sqlmodel import col

from models.database import Database
from models.organizations.organization import Organization
from models.sequences.sequence import Sequence
from models.sequences.step_count import StepCell, count_step_runs
from models.sequences.step_run import StepRun
from tests.clicks import rows as read
from tests.rows import Rows

OF_ROWS = """
SELECT sequence_version_id, step_key, coalesce(outcome, ''), coalesce(next_key, ''), count(*)::int FROM step_run
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
OF_COUNTER = """
SELECT sequence_version_id, step_key, outcome, next_key, sum(step_runs)::int FROM step_count
GROUP BY 1, 2, 3, 4 HAVING sum(step_runs) <> 0 ORDER BY 1, 2, 3, 4
"""


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def cells(database: Database, sequence: Sequence) -> list[StepCell]:
    async with database.transaction() as session:
        return await count_step_runs(session, sequence.id)


async def leave(database: Database, number: int, outcome: str, next_key: str | None) -> None:
    """Everybody's passage of that number."""
    async with database.transaction() as session:
        change = update(StepRun).where(col(StepRun.number) == number).values(outcome=outcome, next_key=next_key)
        await session.execute(change)


async def test_a_step_run_moves_from_its_step_to_the_way_it_was_left(database: Database, rows: Rows) -> None:
    sequence = await rows.sequence()
    enrollment = await rows.enrollment(sequence, await rows.contact())
    await rows.step_run(enrollment, 1, "hello")
    assert await cells(database, sequence) == [StepCell("hello", None, None, 1)]
    await leave(database, 1, "sent", "wait")
    await rows.step_run(enrollment, 2, "wait")
    assert await cells(database, sequence) == [StepCell("hello", "sent", "wait", 1), StepCell("wait", None, None, 1)]
    await leave(database, 2, "stopped", None)
    assert (await cells(database, sequence))[1] == StepCell("wait", "stopped", None, 1)


async def test_a_loop_counts_each_time_and_versions_count_together(database: Database, rows: Rows) -> None:
    sequence = await rows.sequence()
    first = await rows.enrollment(sequence, await rows.contact())
    for number in (1, 2, 3):
        await rows.step_run(first, number, "hello", outcome="sent", next_key="hello")
    sequence = await rows.publish(sequence)
    await rows.step_run(await rows.enrollment(sequence, await rows.contact()), 1, "hello", outcome="sent", next_key="hello")
    other = await rows.sequence()
    await rows.step_run(await rows.enrollment(other, await rows.contact()), 1, "hello", outcome="sent", next_key="hello")
    assert await cells(database, sequence) == [StepCell("hello", "sent", "hello", 4)]
    assert await cells(database, other) == [StepCell("hello", "sent", "hello", 1)]


async def test_enrollments_that_move_at_once_keep_the_counter_equal_to_the_rows(database: Database, rows: Rows) -> None:
    sequence = await rows.sequence()
    enrollments = [await rows.enrollment(sequence, await rows.contact()) for _ in range(8)]

    async def walk(place: int) -> None:
        for number in range(1, 6):
            await rows.step_run(enrollments[place], number, f"step{number}")
            async with database.session() as session:
                change = update(StepRun).where(col(StepRun.enrollment_id) == enrollments[place].id, col(StepRun.number) == number)
                await session.execute(change.values(outcome="sent", next_key=f"step{number + 1}"))
                if place % 2:
                    await session.commit()  # the others roll back

    await asyncio.gather(*(walk(place) for place in range(8)))
    assert await read(database, OF_COUNTER) == await read(database, OF_ROWS)
    assert sum(cell.step_runs for cell in await cells(database, sequence)) == 40
