"""Look again: a message that waits is tried now. It is issued when a paused channel is resumed
(`models/sequences/waiting_for_channel.py`), and when somebody has decided about an answer that looks like a refusal
(`models/inbound/waiting_for_decision.py`)."""

from sqlalchemy.ext.asyncio import AsyncSession

from models.commands.command import DueCommand
from models.sequences.enrollment import Enrollment
from services.commands.handler import Asked


class LookAgain:
    async def hold(self, _session: AsyncSession, _enrollment: Enrollment, _asked: Asked) -> bool:
        """Nothing has to hold before the workflow knows of it."""
        return True

    async def without_workflow(self, _session: AsyncSession, _command: DueCommand) -> None:
        """Without a workflow there is no message that waits."""
