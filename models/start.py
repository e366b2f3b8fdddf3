"""What rows that need a workflow share: enrollments, campaigns and imports are committed first and started afterwards."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.base import Timestamp, now
from models.retry import FIRST_RETRY, LAST_RETRY

GRACE = timedelta(seconds=5)
"""The request that made a row starts its workflow within this time; until then the sweeper leaves the row to it."""


def after_grace() -> datetime:
    return now() + GRACE


class NeedsWorkflow(SQLModel):
    """The columns of a table whose rows need a workflow. From `start_due_at` on the sweeper starts it. `start_attempts` counts
    the starts that failed: each puts off the next one, so that a start which always fails holds up none of those behind it."""

    workflow_started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    start_due_at: datetime = Field(default_factory=after_grace, sa_type=Timestamp)
    start_attempts: int = 0


# Somebody else may have started the workflow meanwhile: then there is nothing to put off. The waits are those of `retry_delay`.
# A row that somebody holds is left out: a turn holds its own enrollment and waits for another one, in any order, so whoever waits
# for several would wait in a circle.
POSTPONE = """
UPDATE {table} SET start_attempts = start_attempts + 1,
    start_due_at = CAST(:now AS timestamptz) + least(CAST(:first AS interval) * power(2, least(start_attempts, 20)), :last)
WHERE id IN (
    SELECT id FROM {table} WHERE id = ANY(CAST(:ids AS uuid[])) AND workflow_started_at IS NULL FOR NO KEY UPDATE SKIP LOCKED
)
"""
MARK_FREE = """
UPDATE {table} SET workflow_started_at = :now
WHERE id IN (SELECT id FROM {table} WHERE id = ANY(CAST(:ids AS uuid[])) FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""
MARK_ONE = "UPDATE {table} SET workflow_started_at = :now WHERE id = :id"


async def mark_started(session: AsyncSession, table: type[NeedsWorkflow], ids: Sequence[UUID]) -> list[UUID]:
    """Returns those that are not marked yet, because somebody holds them: each of them needs a transaction of its own
    (`mark_one_started`)."""
    found = await session.scalars(text(MARK_FREE.format(table=table.__tablename__)), {"ids": list(ids), "now": now()})
    marked = set(found)
    return [each for each in ids if each not in marked]


async def mark_one_started(session: AsyncSession, table: type[NeedsWorkflow], row_id: UUID) -> None:
    """Waits for whoever holds the row. Nothing else may be held meanwhile."""
    await session.execute(text(MARK_ONE.format(table=table.__tablename__)), {"id": row_id, "now": now()})


async def postpone_starts(session: AsyncSession, table: type[NeedsWorkflow], ids: Sequence[UUID]) -> None:
    """The starts of these rows have failed: each is due again after 1 s, 2 s, 4 s … at most 5 minutes. One that somebody holds
    stays due."""
    parameters = {"ids": list(ids), "now": now(), "first": FIRST_RETRY, "last": LAST_RETRY}
    await session.execute(text(POSTPONE.format(table=table.__tablename__)), parameters)
