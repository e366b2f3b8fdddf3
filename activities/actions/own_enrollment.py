"""What `leave` and `go_to` share: they ask something of the enrollment whose message was clicked."""

from collections.abc import Mapping
from uuid import UUID

from activities.actions.base import Batch
from models.triggers.due import DueFiring
from models.triggers.results import ActionResult, Results, done, failed, skipped


def enrollments_of(batch: Batch) -> list[UUID]:
    return [each.enrollment_id for each in batch.firings if each.enrollment_id is not None]


def results_of(batch: Batch, commands: Mapping[UUID, UUID]) -> Results:
    """`commands` are those that were given, by enrollment."""
    return {each.id: _result(each, commands) for each in batch.firings}


def _result(firing: DueFiring, commands: Mapping[UUID, UUID]) -> ActionResult:
    if firing.enrollment_id is None:
        return failed("the message belongs to no enrollment")
    enrollment = {"enrollment_id": str(firing.enrollment_id)}
    if firing.enrollment_id not in commands:
        return skipped("the enrollment is over already, or was asked to stop", result="enrollment_over", **enrollment)
    return done(**enrollment, command_id=str(commands[firing.enrollment_id]))
