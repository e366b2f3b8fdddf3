"""The effect of `notify`: an item waits for the team's next notification."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.steps.base import At, Written
from models.base import now
from models.notifications.items import Happened, NotificationItemIn, StepCause
from models.sequences.sequence import Sequence
from models.sequences.steps.notify import NotifyStep
from services.effects.notify import find_target_id, notify


class Notify:
    async def write(self, session: AsyncSession, at: At, step: NotifyStep) -> Written:
        enrollment = at.enrollment
        target_id = await find_target_id(session, enrollment.org_id, step.target)
        if target_id is None:
            return Written("not_notified: no_target")
        sequence = await session.get_one(Sequence, enrollment.sequence_id)
        cause = StepCause(enrollment.id, at.number)
        item = NotificationItemIn(
            cause, enrollment.contact_id, now(), happened=Happened.REACHED, source=sequence.name, text=step.text
        )
        await notify(session, enrollment.org_id, target_id, [item])
        return Written("notified", notified=True)
