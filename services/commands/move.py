"""Move: the enrollment goes on from another of its steps, whose key is `step_key` in the command's detail.

The workflow obeys when it waits. A message that is about to be sent, or is being sent, is finished first.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from models.commands.command import DueCommand
from models.sequences.enrollment import Enrollment
from safe_errors import OwnWords
from services.commands.handler import Asked


class NotStarted(OwnWords):
    """There is no workflow yet that could be told. The command is delivered again later."""


class Move:
    async def hold(self, session: AsyncSession, enrollment: Enrollment, asked: Asked) -> bool:  # noqa: ARG002
        """Nothing has to hold before the workflow knows. An enrollment that somebody has asked to stop moves no more."""
        return enrollment.stop_requested_at is None

    async def without_workflow(self, session: AsyncSession, command: DueCommand) -> None:
        """An enrollment that is over, or whose workflow is gone, does not move."""
        enrollment = await session.get_one(Enrollment, command.enrollment_id)
        if enrollment.workflow_started_at is None and enrollment.finished_at is None:
            raise NotStarted("the enrollment's workflow has not been started yet")
