"""How many went through each step of a sequence, and where its enrollments and a campaign's follow-ups stand."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class Leaving(NamedTuple):
    """How a step was left, and the key of the step that came next, which is None when the sequence ended."""

    outcome: str | None
    branch: str | None


StepKinds = dict[str, str]
"""The kind of each step of a version by its key, in the version's order, without end steps, which are never entered."""


@dataclass
class StepCounts:
    """`entered` and `left` count step runs, so a step in a loop counts each time. `active` are the enrollments that are in the
    step now, and `next_due_at` is when the first of them goes on. `waited` are the step runs that were left, by how long they
    took (`DELAYS` in models/clicks/counters.py), and `milliseconds` is what those took together."""

    entered: int = 0
    active: int = 0
    left: dict[Leaving, int] = field(default_factory=dict)
    waited: dict[str, int] = field(default_factory=dict)
    milliseconds: int = 0
    next_due_at: datetime | None = None

    def add(self, other: "StepCounts") -> None:
        """Adds the counts of the same step in another version."""
        self.entered, self.active = self.entered + other.entered, self.active + other.active
        self.milliseconds += other.milliseconds
        for leaving, number in other.left.items():
            self.left[leaving] = self.left.get(leaving, 0) + number
        for bucket, number in other.waited.items():
            self.waited[bucket] = self.waited.get(bucket, 0) + number
        due = [each for each in (self.next_due_at, other.next_due_at) if each is not None]
        self.next_due_at = min(due, default=None)


@dataclass
class EnrollmentCounts:
    """`outcomes` are the words of the end steps at which completed enrollments arrived."""

    by_state: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    steps: defaultdict[str, StepCounts] = field(default_factory=lambda: defaultdict(StepCounts))

    def add(self, other: "EnrollmentCounts") -> None:
        """Adds the counts of another version."""
        for state, number in other.by_state.items():
            self.by_state[state] = self.by_state.get(state, 0) + number
        for outcome, number in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + number
        for key, step in other.steps.items():
            self.steps[key].add(step)


ENROLLMENTS = """
SELECT sequence_version_id, state, nullif(outcome, '') AS outcome, sum(enrollments)::int AS enrollments FROM enrollment_count
WHERE sequence_version_id = ANY(CAST(:version_ids AS uuid[])) GROUP BY 1, 2, 3 HAVING sum(enrollments) <> 0 ORDER BY 1, 2, 3
"""

STEPS = """
SELECT sequence_version_id, step_key, nullif(outcome, '') AS outcome, nullif(next_key, '') AS next_key,
    sum(step_runs)::int AS step_runs
FROM step_count WHERE sequence_version_id = ANY(CAST(:version_ids AS uuid[]))
GROUP BY 1, 2, 3, 4 HAVING sum(step_runs) <> 0 ORDER BY 1, 2, 5 DESC, 3, 4
"""

TIMES = """
SELECT sequence_version_id, step_key, bucket, sum(step_runs)::int AS step_runs, sum(milliseconds)::bigint AS milliseconds
FROM step_time
WHERE sequence_version_id = ANY(CAST(:version_ids AS uuid[])) GROUP BY 1, 2, 3 HAVING sum(step_runs) <> 0
"""

# One step into an index for each of these steps, however many wait there.
NEXT_DUE = """
SELECT wanted.version_id, wanted.step_key, due.due_at
FROM unnest(CAST(:version_ids AS uuid[]), CAST(:step_keys AS text[])) AS wanted (version_id, step_key)
CROSS JOIN LATERAL (
    SELECT due_at FROM enrollment
    WHERE sequence_version_id = wanted.version_id AND step_key = wanted.step_key AND due_at IS NOT NULL
    ORDER BY due_at LIMIT 1
) AS due
"""

KINDS = """
SELECT version.id, step.value ->> 'key' AS key, step.value ->> 'kind' AS kind
FROM sequence_version version CROSS JOIN LATERAL jsonb_array_elements(version.definition -> 'steps') WITH ORDINALITY AS step
WHERE version.id = ANY(CAST(:version_ids AS uuid[])) AND step.value ->> 'kind' <> 'end' ORDER BY version.id, step.ordinality
"""

FOLLOW_UPS = """
SELECT state, count(*) AS enrollments FROM enrollment WHERE campaign_id = :campaign_id GROUP BY state ORDER BY state
"""


async def count_enrollments(session: AsyncSession, version_ids: Sequence[UUID]) -> dict[UUID, EnrollmentCounts]:
    """Counts each of these versions, from counters. `all_together` adds them up."""
    counts = {version_id: EnrollmentCounts() for version_id in version_ids}
    values = {"version_ids": list(version_ids)}
    for row in await session.execute(text(ENROLLMENTS), values):
        version = counts[row.sequence_version_id]
        version.by_state[row.state] = version.by_state.get(row.state, 0) + row.enrollments
        if row.outcome is not None:
            version.outcomes[row.outcome] = row.enrollments
    for row in await session.execute(text(STEPS), values):
        step = counts[row.sequence_version_id].steps[row.step_key]
        step.entered += row.step_runs
        if row.outcome is None:
            step.active += row.step_runs
        else:
            step.left[Leaving(row.outcome, row.next_key)] = row.step_runs
    for row in await session.execute(text(TIMES), values):
        step = counts[row.sequence_version_id].steps[row.step_key]
        step.waited[row.bucket] = row.step_runs
        step.milliseconds += row.milliseconds
    await _find_next_due(session, counts)
    return counts


async def _find_next_due(session: AsyncSession, counts: dict[UUID, EnrollmentCounts]) -> None:
    standing = [(id, key) for id, version in counts.items() for key, step in version.steps.items() if step.active]
    if standing:
        values = {"version_ids": [id for id, _ in standing], "step_keys": [key for _, key in standing]}
        for row in await session.execute(text(NEXT_DUE), values):
            counts[row.version_id].steps[row.step_key].next_due_at = row.due_at


async def kinds_of_steps(session: AsyncSession, version_ids: Collection[UUID]) -> dict[UUID, StepKinds]:
    """Returns those of each of these versions."""
    kinds: dict[UUID, StepKinds] = {version_id: {} for version_id in version_ids}
    for row in await session.execute(text(KINDS), {"version_ids": list(version_ids)}):
        kinds[row.id][row.key] = row.kind
    return kinds


def all_together(counts: Iterable[EnrollmentCounts]) -> EnrollmentCounts:
    """Adds up versions. A key that two of them use is one step."""
    total = EnrollmentCounts()
    for each in counts:
        total.add(each)
    return total


async def count_follow_ups(session: AsyncSession, campaign_id: UUID) -> dict[str, int]:
    """Counts the enrollments that the campaign's trigger made, by state."""
    rows = await session.execute(text(FOLLOW_UPS), {"campaign_id": campaign_id})
    return {row.state: row.enrollments for row in rows}
