"""The effect of `stop_other`: other enrollments of the contact end."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.steps.base import At, Written
from models.sequences.sequence import Sequence
from models.sequences.steps.stop_other import StopOtherStep
from services.effects.stop_others import stop_others


class StopOther:
    async def write(self, session: AsyncSession, at: At, step: StopOtherStep) -> Written:
        others = [(at.enrollment.contact_id, at.enrollment.id)]
        sequence = await session.get_one(Sequence, at.enrollment.sequence_id)
        reason = f"stopped by the sequence '{sequence.name}'"
        stopped = await stop_others(session, at.enrollment.org_id, others, step.sequence_id, reason=reason)
        return Written(f"stopped {len(stopped)}", commands=[each.command_id for each in stopped])
