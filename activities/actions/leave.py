"""The action `leave`: the enrollment whose message was clicked ends, by a stop command."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.actions.base import Batch, Taken
from activities.actions.own_enrollment import enrollments_of, results_of
from models.commands.many import stop_these
from models.triggers.actions.leave import LeaveAction
from services.effects.hints import Hints


class Leave:
    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    async def take(self, session: AsyncSession, batch: Batch, action: LeaveAction) -> Taken:  # noqa: ARG002
        """Nothing more of the enrollment is sent from the commit on, also before its workflow has noticed."""
        reason = f"left by the trigger {batch.trigger.key}"
        commands = await stop_these(session, batch.trigger.org_id, enrollments_of(batch), reason)
        return Taken(results_of(batch, commands), lambda: self._hints.give(commands=list(commands.values())))
