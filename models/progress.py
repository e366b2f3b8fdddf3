"""What an enrollment's workflow writes for people: where it stands, and the events of the conversation view.

Every write is keyed by (enrollment, visit, kind), so that a repeated activity changes nothing.
"""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models import ledger
from models.base import new_id, now
from models.enrollment import Enrollment, EnrollmentState
from models.event import Event, EventKind
from models.wire import EnrollmentEnded, StepEntered


async def enter_step(session: AsyncSession, entered: StepEntered) -> Enrollment:
    """Leaves the step before and enters this one. An enrollment that is over stays as it is."""
    enrollment = await session.get_one(Enrollment, entered.enrollment_id, with_for_update=True)
    if enrollment.finished_at is None and enrollment.visit < entered.visit:
        await _leave(session, enrollment, entered.visit - 1, entered.previous_outcome, entered.step_key)
        detail = {"kind": entered.kind, "due_at": entered.due_at.isoformat() if entered.due_at else None}
        await _event(session, enrollment, EventKind.STEP_ENTERED, entered.visit, entered.step_key, detail)
        enrollment.state = EnrollmentState.RUNNING
        enrollment.step_key, enrollment.visit, enrollment.due_at = entered.step_key, entered.visit, entered.due_at
    return enrollment


async def end_enrollment(session: AsyncSession, ended: EnrollmentEnded) -> None:
    enrollment = await session.get_one(Enrollment, ended.enrollment_id, with_for_update=True)
    if enrollment.finished_at is not None:
        return
    await _leave(session, enrollment, ended.visit - 1, ended.previous_outcome, None)
    await _event(session, enrollment, EventKind.ENDED, ended.visit, None, {"state": ended.state, "outcome": ended.outcome})
    enrollment.state, enrollment.outcome = EnrollmentState(ended.state), ended.outcome
    enrollment.finished_at, enrollment.due_at = now(), None
    await ledger.close_messages(session, enrollment.id, ended.outcome if ended.state == "failed" else None)


async def _leave(session: AsyncSession, enrollment: Enrollment, visit: int, outcome: str | None, to: str | None) -> None:
    if visit >= 1 and enrollment.step_key is not None:
        detail = {"outcome": outcome, "to": to}
        await _event(session, enrollment, EventKind.STEP_LEFT, visit, enrollment.step_key, detail)


async def _event(
    session: AsyncSession, enrollment: Enrollment, kind: EventKind, visit: int, step_key: str | None, detail: dict[str, Any]
) -> None:
    row = {
        "id": new_id(),
        "org_id": enrollment.org_id,
        "contact_id": enrollment.contact_id,
        "enrollment_id": enrollment.id,
        "sequence_id": enrollment.sequence_id,
        "kind": kind,
        "visit": visit,
        "step_key": step_key,
        "detail": detail,
        "at": now(),
    }
    await session.execute(insert(Event).values(row).on_conflict_do_nothing())
