"""How many enrollments went through each step of a published version, and how they left it, without reading a step run.

Triggers of the table `step_run` raise this counter, as those of `message` raise `message_count`
(`docs/decisions/0015-messages-and-step-runs-are-counted-by-triggers.md`).
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel


class StepCount(SQLModel, table=True):
    """A step run is counted in one cell, and moves to another one when the step is left. An empty `outcome` means that it has not
    been left; an empty `next_key` that no step came next, or not yet. The counter of a cell is the sum over its slots, as in
    `message_count`."""

    __tablename__ = "step_count"

    sequence_version_id: UUID = Field(primary_key=True)
    step_key: str = Field(primary_key=True)
    outcome: str = Field(primary_key=True)
    next_key: str = Field(primary_key=True)
    slot: int = Field(primary_key=True)
    step_runs: int


class StepCell(NamedTuple):
    """With `outcome` None, these enrollments are in the step now. With `next_key` None, the sequence ended for them."""

    step_key: str
    outcome: str | None
    next_key: str | None
    step_runs: int


READ = """
SELECT step_key, nullif(outcome, '') AS outcome, nullif(next_key, '') AS next_key, sum(step_runs)::int AS step_runs
FROM step_count JOIN sequence_version version ON version.id = step_count.sequence_version_id
WHERE version.sequence_id = :sequence_id GROUP BY 1, 2, 3 HAVING sum(step_runs) <> 0 ORDER BY 1, 4 DESC, 2, 3
"""


READ_ONE = """
SELECT run.step_key, run.outcome, next_key, count(*)::int AS step_runs
FROM enrollment JOIN step_run run ON run.enrollment_id = enrollment.id
WHERE enrollment.contact_id = :contact_id AND sequence_id = :sequence_id GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2, 3
"""


async def count_step_runs(session: AsyncSession, sequence_id: UUID, contact_id: UUID | None = None) -> list[StepCell]:
    """Counts all versions. Cells of a step stand together, those with the most step runs first. Those of one contact are counted
    from its step runs."""
    values = {"sequence_id": sequence_id} | ({} if contact_id is None else {"contact_id": contact_id})
    rows = await session.execute(text(READ if contact_id is None else READ_ONE), values)
    return [StepCell(*row) for row in rows]
