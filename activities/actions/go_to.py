"""The action `go_to`: the enrollment whose message was clicked goes on from another of its steps, by a move command."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.actions.base import Batch, Taken
from activities.actions.own_enrollment import enrollments_of, results_of
from models.commands.many import move_these
from models.triggers.actions.go_to import GoToAction
from services.effects.hints import Hints


class GoTo:
    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    async def take(self, session: AsyncSession, batch: Batch, action: GoToAction) -> Taken:
        """The enrollment moves when it waits the next time. A message that is about to be sent is sent first."""
        commands = await move_these(session, batch.trigger.org_id, enrollments_of(batch), action.step)
        return Taken(results_of(batch, commands), lambda: self._hints.give(commands=list(commands.values())))
