"""Stop: no further step and no further message. A message that is being sent at this moment still arrives."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.commands.command import DueCommand
from models.sequences.enrollment import Enrollment
from models.sequences.progress import close_enrollment
from services.commands.handler import Asked

NO_REASON = "stopped by request"


class Stop:
    async def hold(self, session: AsyncSession, enrollment: Enrollment, asked: Asked) -> bool:
        """A message is claimed before this or never, because a claim locks the enrollment too. The first reason stays."""
        if enrollment.stop_requested_at is not None:
            return False
        enrollment.stop_requested_at, enrollment.stop_reason = now(), asked.reason or NO_REASON
        await session.flush()
        return True

    async def without_workflow(self, session: AsyncSession, command: DueCommand) -> None:
        await close_enrollment(session, command.enrollment_id, "stopped", NO_REASON)
