"""Do the counters equal the rows? All of them are recounted, and, if asked to, made what the rows say.

Those who record clicks, send messages and move enrollments go on meanwhile, and lose and double nothing.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.database import Database
from models.reconcile.click_by import CLICK_BY
from models.reconcile.click_first import MISSING_FIRSTS, WRONG_FIRSTS
from models.reconcile.click_series import CLICK_SERIES
from models.reconcile.contact_engagement import CONTACT_ENGAGEMENT
from models.reconcile.counter import Counter, Difference
from models.reconcile.enrollment_count import ENROLLMENT_COUNT
from models.reconcile.message_count import MESSAGE_COUNT
from models.reconcile.outcome_count import OUTCOME_COUNT
from models.reconcile.person_outcome import PERSON_OUTCOME
from models.reconcile.report_count import REPORT_COUNT
from models.reconcile.step_count import STEP_COUNT
from models.reconcile.step_time import STEP_TIME
from models.reconcile.trigger_count import TRIGGER_COUNT

COUNTERS: Sequence[Counter] = (
    WRONG_FIRSTS,
    MISSING_FIRSTS,
    *CLICK_SERIES.values(),
    *CLICK_BY.values(),
    CONTACT_ENGAGEMENT,
    MESSAGE_COUNT,
    REPORT_COUNT,
    STEP_COUNT,
    STEP_TIME,
    ENROLLMENT_COUNT,
    TRIGGER_COUNT,
    *PERSON_OUTCOME,
    OUTCOME_COUNT,
)
"""The order in which they are repaired: first clicks say in which cell of `click_series` and `click_by` a person is, and
adding an outcome of a person raises its counter."""

LISTED = 1000
"""The most differences that are listed; all are counted."""

# Two repairs at once would both add what is missing.
ONE_REPAIR = "SELECT pg_advisory_xact_lock(7246513)"


@dataclass(frozen=True)
class Reconciliation:
    """`rows` that each table of counters had afterwards. `different`: rows that differed, of which `differences` lists at most
    1,000."""

    rows: Mapping[str, int]
    different: int
    differences: Sequence[Difference]

    @property
    def equal(self) -> bool:
        return self.different == 0


async def compare(database: Database) -> Reconciliation:
    """Changes nothing."""
    return await _reconcile(database, COUNTERS, repair=False)


async def repair(database: Database, counters: Sequence[Counter] = COUNTERS) -> Reconciliation:
    """Returns what differed, piece by piece, each of which is repaired and committed before the next one is looked at."""
    return await _reconcile(database, counters, repair=True)


async def _reconcile(database: Database, counters: Sequence[Counter], repair: bool) -> Reconciliation:
    different, listed = 0, list[Difference]()
    for counter in counters:
        async for found in _pieces(database, counter, repair):
            different += len(found)
            listed += found[: LISTED - len(listed)]
    async with database.transaction() as session:
        tables = dict.fromkeys(counter.table for counter in counters)
        rows = {table: await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in tables}  # noqa: S608
    return Reconciliation(rows, different, listed)


async def _pieces(database: Database, counter: Counter, repair: bool) -> AsyncIterator[list[Difference]]:
    """Yields the differences of each piece."""
    after = dict(counter.start)
    while True:
        async with database.transaction() as session:
            found = (await session.execute(text(counter.next_piece), after)).mappings().first()
        if found is None or None in found.values():
            return
        until = {name.replace("after", "until", 1): value for name, value in found.items()}
        async with database.transaction() as session:
            yield await _piece(session, counter, {**after, **until}, repair)
        after = dict(found)


async def _piece(session: AsyncSession, counter: Counter, limits: Mapping[str, Any], repair: bool) -> list[Difference]:
    if repair:
        await session.execute(text(ONE_REPAIR))
    rows = (await session.execute(text(counter.differences), counter.of(counter.differences, limits))).mappings()
    found = [counter.difference(dict(row)) for row in rows]
    if repair and found:
        for statement in counter.repairs:
            await session.execute(text(statement), counter.of(statement, limits))
    return found
