"""The enrollments of a sequence that go on next, because their wait is over first."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.sequences.enrollment import Enrollment, enrollments_by_id

# Some steps into an index for each step of each version where somebody is, however many wait there.
NEXT = """
SELECT due.id
FROM sequence_version version
CROSS JOIN LATERAL (
    SELECT step_key FROM step_count WHERE sequence_version_id = version.id AND outcome = ''
    GROUP BY step_key HAVING sum(step_runs) > 0
) AS standing
CROSS JOIN LATERAL (
    SELECT id, due_at FROM enrollment
    WHERE sequence_version_id = version.id AND step_key = standing.step_key AND due_at IS NOT NULL
    ORDER BY due_at LIMIT :most
) AS due
WHERE version.sequence_id = :sequence_id AND version.version = coalesce(CAST(:version AS int), version.version)
ORDER BY due.due_at, due.id LIMIT :most
"""


async def next_due(session: AsyncSession, sequence_id: UUID, version: int | None, most: int) -> list[Enrollment]:
    """Returns the first one first: those of all versions, or of one."""
    values = {"sequence_id": sequence_id, "version": version, "most": most}
    ids = list(await session.scalars(text(NEXT), values))
    found = await enrollments_by_id(session, ids)
    return [found[each] for each in ids if each in found]
