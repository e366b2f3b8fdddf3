"""How many went through each step of a sequence, and where its enrollments and a campaign's follow-ups stand."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.sequences.step_count import count_step_runs


class Leaving(NamedTuple):
    """How a step was left, and the key of the step that came next, which is None when the sequence ended."""

    outcome: str | None
    branch: str | None


@dataclass
class StepCounts:
    """`entered` and `left` count step runs, so a step in a loop counts each time. `active` are the enrollments that are in the
    step now."""

    entered: int = 0
    active: int = 0
    left: dict[Leaving, int] = field(default_factory=dict)


@dataclass
class EnrollmentCounts:
    """`outcomes` are the words of the end steps at which completed enrollments arrived."""

    by_state: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    steps: defaultdict[str, StepCounts] = field(default_factory=lambda: defaultdict(StepCounts))


ENROLLMENTS = """
SELECT state, CASE WHEN state = 'completed' THEN outcome END AS outcome, count(*) AS enrollments
FROM enrollment WHERE sequence_id = :sequence_id GROUP BY 1, 2 ORDER BY 1, 2
"""

FOLLOW_UPS = """
SELECT state, count(*) AS enrollments FROM enrollment WHERE campaign_id = :campaign_id GROUP BY state ORDER BY state
"""


async def count_enrollments(session: AsyncSession, sequence_id: UUID) -> EnrollmentCounts:
    """Counts all versions. A key that two versions use is one step."""
    counts = EnrollmentCounts()
    for row in await session.execute(text(ENROLLMENTS), {"sequence_id": sequence_id}):
        counts.by_state[row.state] = counts.by_state.get(row.state, 0) + row.enrollments
        if row.outcome is not None:
            counts.outcomes[row.outcome] = counts.outcomes.get(row.outcome, 0) + row.enrollments
    for cell in await count_step_runs(session, sequence_id):
        step = counts.steps[cell.step_key]
        step.entered += cell.step_runs
        if cell.outcome is None:
            step.active += cell.step_runs
        else:
            step.left[Leaving(cell.outcome, cell.next_key)] = cell.step_runs
    return counts


async def count_follow_ups(session: AsyncSession, campaign_id: UUID) -> dict[str, int]:
    """Counts the enrollments that the campaign's trigger made, by state."""
    rows = await session.execute(text(FOLLOW_UPS), {"campaign_id": campaign_id})
    return {row.state: row.enrollments for row in rows}
