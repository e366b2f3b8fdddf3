"""The action `enroll`: the person enters a sequence, as its re-entry rule allows."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.actions.base import Batch, Taken
from models.organizations.limits import Limits
from models.organizations.quotas import ActiveEnrollments
from models.sequences.enroll import Cause, Enrolled, EnrollResult, Person, new_enrollments
from models.sequences.enrollment import CauseKind
from models.triggers.actions.enroll import EnrollAction
from models.triggers.results import ActionResult, done, failed, skipped
from services.effects.enroll_people import enroll_people
from services.effects.hints import Hints

NOT_ENROLLED: dict[EnrollResult, str] = {
    EnrollResult.ALREADY_ENROLLED: "the contact is in the sequence already",
    EnrollResult.ENTERED_BEFORE: "the contact was in the sequence before, and may not enter it again",
    EnrollResult.TOO_OFTEN: "the contact has entered the sequence as often as it may in this period",
}
"""The sequence's own rule says that there is nothing to do."""

CANNOT: dict[EnrollResult, str] = {
    EnrollResult.UNKNOWN_CONTACT: "there is no such contact any more",
    EnrollResult.TOO_MANY_ENROLLMENTS: "the organization has as many enrollments as it may have",
    EnrollResult.SEQUENCE_NOT_PUBLISHED: "the sequence is not published",
}


class Enroll:
    def __init__(self, hints: Hints, limits: Limits | None = None) -> None:
        """`limits` are those of organizations without limits of their own. With None, nobody has any."""
        self._hints = hints
        self._limits = limits
        self._active = ActiveEnrollments()

    async def take(self, session: AsyncSession, batch: Batch, action: EnrollAction) -> Taken:
        trigger = batch.trigger
        people = [
            Person(each.contact_id, Cause(CauseKind.TRIGGER, each.id, batch.position), action.variables) for each in batch.firings
        ]
        results = await enroll_people(
            session, self._limits, self._active, trigger.org_id, action.sequence_id, people, trigger.campaign_id
        )
        new = new_enrollments(results)
        return Taken(
            {each.id: _result(one, action) for each, one in zip(batch.firings, results, strict=True)},
            lambda: self._hints.give(enrollments=new),
        )


def _result(enrolled: Enrolled, action: EnrollAction) -> ActionResult:
    detail = {"sequence_id": str(action.sequence_id)}
    if enrolled.enrollment_id is not None:
        detail["enrollment_id"] = str(enrolled.enrollment_id)
    if enrolled.result == EnrollResult.ENROLLED:
        return done(**detail)
    detail["result"] = enrolled.result.value
    if reason := NOT_ENROLLED.get(enrolled.result):
        return skipped(reason, **detail)
    return failed(CANNOT[enrolled.result], **detail)
