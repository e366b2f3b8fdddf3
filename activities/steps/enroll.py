"""The effect of `enroll`: the contact enters another sequence, if its re-entry rule allows it."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.steps.base import At, Written
from models.organizations.limits import Limits
from models.organizations.quotas import ActiveEnrollments
from models.sequences.enroll import Cause, EnrollResult, Person, new_enrollments
from models.sequences.enrollment import CauseKind
from models.sequences.steps.enroll import EnrollStep
from services.effects.enroll_people import enroll_people


class Enroll:
    def __init__(self, limits: Limits | None) -> None:
        """`limits` are those of organizations without limits of their own. With None, nobody has any limits."""
        self._limits = limits
        self._active = ActiveEnrollments()

    async def write(self, session: AsyncSession, at: At, step: EnrollStep) -> Written:
        cause = Cause(CauseKind.STEP, at.enrollment.id, at.number)
        person = Person(at.enrollment.contact_id, cause, step.variables)
        results = await enroll_people(session, self._limits, self._active, at.enrollment.org_id, step.sequence_id, [person])
        result = results[0].result
        outcome = result.value if result == EnrollResult.ENROLLED else f"not_enrolled: {result}"
        return Written(outcome, enrollments=new_enrollments(results))
