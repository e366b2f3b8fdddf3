"""How many went through each step of a sequence, and where its enrollments and a campaign's follow-ups stand."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class Leaving(NamedTuple):
    """How a step was left, and the key of the step that came next (None: the sequence ended)."""

    outcome: str | None
    branch: str | None


@dataclass
class StepCounts:
    """`entered` and `left` count visits, so a step in a loop counts each time; `active` are the enrollments in it now."""

    entered: int = 0
    active: int = 0
    left: dict[Leaving, int] = field(default_factory=dict)


@dataclass
class EnrollmentCounts:
    """`outcomes`: the words of the end steps that completed enrollments came to."""

    by_state: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    steps: defaultdict[str, StepCounts] = field(default_factory=lambda: defaultdict(StepCounts))


ENROLLMENTS = """
SELECT state, CASE WHEN state = 'running' THEN step_key END AS step_key,
    CASE WHEN state = 'completed' THEN outcome END AS outcome, count(*) AS enrollments
FROM enrollment WHERE sequence_id = :sequence_id GROUP BY 1, 2, 3 ORDER BY 1, 3
"""

STEPS = """
SELECT step_key, kind, detail ->> 'outcome' AS outcome, detail ->> 'to' AS branch, count(*) AS visits
FROM event WHERE sequence_id = :sequence_id AND kind IN ('step_entered', 'step_left') AND step_key IS NOT NULL
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 5 DESC, 3, 4
"""

FOLLOW_UPS = """
SELECT state, count(*) AS enrollments FROM enrollment WHERE campaign_id = :campaign_id GROUP BY state ORDER BY state
"""


async def count_enrollments(session: AsyncSession, sequence_id: UUID) -> EnrollmentCounts:
    """Of all versions; a key that two versions use is one step."""
    counts = EnrollmentCounts()
    for row in await session.execute(text(ENROLLMENTS), {"sequence_id": sequence_id}):
        counts.by_state[row.state] = counts.by_state.get(row.state, 0) + row.enrollments
        if row.outcome is not None:
            counts.outcomes[row.outcome] = counts.outcomes.get(row.outcome, 0) + row.enrollments
        if row.step_key is not None:
            counts.steps[row.step_key].active += row.enrollments
    for row in await session.execute(text(STEPS), {"sequence_id": sequence_id}):
        if row.kind == "step_entered":
            counts.steps[row.step_key].entered += row.visits
        else:
            counts.steps[row.step_key].left[Leaving(row.outcome, row.branch)] = row.visits
    return counts


async def count_follow_ups(session: AsyncSession, campaign_id: UUID) -> dict[str, int]:
    """Enrollments that the campaign's trigger made, by state."""
    rows = await session.execute(text(FOLLOW_UPS), {"campaign_id": campaign_id})
    return {row.state: row.enrollments for row in rows}
