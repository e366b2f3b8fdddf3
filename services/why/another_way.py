"""Whether a step of a sequence can still come to somebody, and otherwise where another way was taken."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.sequences.check import StepGraph
from models.sequences.enrollment import Enrollment
from models.sequences.sequence import SequenceVersion
from models.sequences.step_run import StepRun
from models.sequences.steps.definition import SequenceDefinition
from models.why.lookups import passed_steps


async def can_come(session: AsyncSession, enrollment: Enrollment, step_key: str) -> bool:
    """Whether the enrollment is at the step or before it, or has passed it, in its version. A `go_to` of a trigger is a way
    too."""
    if enrollment.step_key in (None, step_key):
        return True
    if step_key in (await _graph(session, enrollment)).ahead_of(enrollment.step_key or ""):
        return True
    return any(each.step_key == step_key for each in await passed_steps(session, enrollment.id))


async def turned_off(session: AsyncSession, enrollment: Enrollment, step_key: str) -> StepRun | None:
    """Returns the last passage from which the step could still be reached. Without one, for example because only another version
    has the step, returns None."""
    graph = await _graph(session, enrollment)
    passed = await passed_steps(session, enrollment.id)
    return next((each for each in passed if each.left_at and step_key in graph.ahead_of(each.step_key)), None)


async def _graph(session: AsyncSession, enrollment: Enrollment) -> StepGraph:
    version = await session.get_one(SequenceVersion, enrollment.sequence_version_id)
    definition = SequenceDefinition.model_validate(version.definition)
    return StepGraph(definition.steps, definition.triggers)
