"""How many people are in each of many sequences, how many have entered, and how many have clicked. From counters alone."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class SequenceCounts(NamedTuple):
    """`inside` are the enrollments that are not over, `entered` all of them, and `people` those who have clicked."""

    inside: int = 0
    entered: int = 0
    people: int = 0


ENROLLED = """
SELECT version.sequence_id, sum(enrollments) AS entered,
    coalesce(sum(enrollments) FILTER (WHERE state IN ('queued', 'running')), 0) AS inside
FROM sequence_version version JOIN enrollment_count ON sequence_version_id = version.id
WHERE version.sequence_id = ANY(CAST(:sequence_ids AS uuid[])) GROUP BY version.sequence_id
"""

# The links come first, because they stand before the verdict and the dimension in the key. Every click has one device, known or
# not, so the few rows of that dimension add up to all people.
CLICKED = """
SELECT content.sequence_id, sum(kept.people) AS people
FROM content JOIN content_link link ON link.content_id = content.id
JOIN click_by kept ON kept.scope = 'sequence' AND kept.scope_id = content.sequence_id AND kept.link_id = link.id
    AND kept.verdict = 'human' AND kept.dimension = 'device_type'
WHERE content.sequence_id = ANY(CAST(:sequence_ids AS uuid[])) GROUP BY content.sequence_id
"""


async def count_sequences(session: AsyncSession, sequence_ids: Sequence[UUID]) -> Mapping[UUID, SequenceCounts]:
    """Returns the counts of each of these sequences, also of those that have nothing to count."""
    values = {"sequence_ids": list(sequence_ids)}
    people = {row.sequence_id: int(row.people) for row in await session.execute(text(CLICKED), values)}
    enrolled = {row.sequence_id: (int(row.inside), int(row.entered)) for row in await session.execute(text(ENROLLED), values)}
    return {id: SequenceCounts(*enrolled.get(id, (0, 0)), people.get(id, 0)) for id in sequence_ids}
