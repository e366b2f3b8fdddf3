"""Writes the instant effects that a turn passes, in the transaction in which the enrollment goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from activities.steps.base import At, Here, Writing
from models.sequences.enrollment import Enrollment
from models.sequences.progress import Passage


@dataclass
class WrittenPassages:
    """The passages with their outcomes, and what is to be hinted at after the commit. With `goes_on` False, a stop was asked for:
    the last passage is the instant effect at which the enrollment stays, and nothing was written."""

    passed: list[Passage] = field(default_factory=list)
    enrollments: list[UUID] = field(default_factory=list)
    commands: list[UUID] = field(default_factory=list)
    notified: bool = False
    goes_on: bool = True

    @property
    def has_hints(self) -> bool:
        return bool(self.enrollments or self.commands or self.notified)


async def write_passed(
    session: AsyncSession, writing: Mapping[str, Writing[Any]], here: Here, enrollment: Enrollment | None
) -> WrittenPassages:
    """`enrollment` is locked, and None when there is no instant effect to write. Nothing is written when the enrollment does not
    stand before them any more; the move that follows finds that too."""
    if enrollment is None or enrollment.finished_at is not None:
        return WrittenPassages([*here.passed])
    if enrollment.stop_requested_at is not None:
        return WrittenPassages(_until_first_effect(here.passed), goes_on=False)
    if enrollment.step_run != here.came_from:
        return WrittenPassages([*here.passed])
    result = WrittenPassages()
    for passage in here.passed:
        if passage.outcome is not None:
            result.passed.append(passage)
            continue
        step = here.version.definition.step(passage.key)
        written = await writing[step.kind].write(session, At(enrollment, passage.number), step)
        result.passed.append(replace(passage, outcome=written.outcome))
        result.enrollments += written.enrollments
        result.commands += written.commands
        result.notified |= written.notified
    return result


def _until_first_effect(passed: Sequence[Passage]) -> list[Passage]:
    first = next(place for place, passage in enumerate(passed) if passage.outcome is None)
    return [*passed[: first + 1]]
