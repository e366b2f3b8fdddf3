"""Where an enrollment stands, as people see it: its row, its step runs, and the events of the conversation, moved in one
statement.

A move says which passage it leaves, and is done once: when the enrollment has left that passage already, or is over, nothing
changes.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import new_id, now
from models.messages import ledger
from models.messages.ledger import SendResult
from models.sequences.enrollment import Enrollment, EnrollmentState
from models.sequences.event import EventKind
from models.wire.enrollments import FinalState


@dataclass(frozen=True)
class Passage:
    """A step that is entered. A step with an `outcome` is left at the same moment, to the step `to`: a decision, or an effect
    that takes no time. `due_at` is until when it waits."""

    number: int
    key: str
    kind: str
    due_at: datetime | None = None
    outcome: str | None = None
    to: str | None = None


@dataclass(frozen=True)
class End:
    state: FinalState
    outcome: str


@dataclass(frozen=True)
class Move:
    """The enrollment leaves its passage `number` (0: it has not begun) with `outcome`, and enters others; in the last one it
    stands, unless it ends."""

    enrollment_id: UUID
    number: int
    outcome: str | None
    entered: Sequence[Passage] = ()
    end: End | None = None


# Step runs and events are one JSON document each, because the driver takes longer for arrays of their columns.
MOVE_SQL = """
WITH {first} before AS (
    SELECT id, step_key FROM enrollment WHERE id = :id AND finished_at IS NULL AND step_run = :number FOR NO KEY UPDATE
), moved AS (
    UPDATE enrollment
       SET state = :state, outcome = :final_outcome, finished_at = CASE WHEN :is_over THEN {at} END,
           step_run = coalesce(CAST(:step_run AS int), step_run), step_key = coalesce(:step_key, enrollment.step_key),
           due_at = CAST(:due_at AS timestamptz), waits_for = NULL
      FROM before WHERE enrollment.id = before.id
    RETURNING enrollment.id, org_id, contact_id, sequence_id, sequence_version_id, before.step_key AS left_key
), gone AS (
    UPDATE step_run SET left_at = {at}, outcome = :outcome, next_key = :next_key
      FROM moved WHERE enrollment_id = moved.id AND number = :number AND left_at IS NULL
), entered AS (
    INSERT INTO step_run
        (enrollment_id, number, org_id, sequence_version_id, step_key, kind, entered_at, left_at, outcome, next_key)
    SELECT moved.id, given.number, moved.org_id, moved.sequence_version_id, given.key, given.kind, {at},
           CASE WHEN given.outcome IS NOT NULL THEN {at} END, given.outcome, given.next_key
      FROM moved CROSS JOIN json_to_recordset(CAST(:entered AS json))
           AS given (number int, key text, kind text, outcome text, next_key text)
), told AS (
    INSERT INTO event (id, org_id, contact_id, enrollment_id, sequence_id, kind, step_run, step_key, detail, at)
    SELECT given.id, moved.org_id, moved.contact_id, moved.id, moved.sequence_id, given.kind, given.number,
           CASE WHEN given.number = :number AND given.kind = 'step_left' THEN left_key ELSE given.key END,
           given.detail, {at}
      FROM moved CROSS JOIN json_to_recordset(CAST(:events AS json))
           AS given (id uuid, kind text, number int, key text, detail jsonb)
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM moved
"""
AT = "greatest(CAST(:now AS timestamptz), now())"
"""The moment of a move: the later one of this process's clock, which is read before a connection is free, and of the database's,
which says when a message was accepted. So no step is left before the message was accepted for which it was left."""
MOVE = text(MOVE_SQL.format(first="", at=AT))
RECORD_AND_MOVE = text(MOVE_SQL.format(first=f"recorded AS ({ledger.RECORD}),", at=AT))


async def move(session: AsyncSession, done: Move, result: SendResult | None = None) -> bool:
    """Returns False when the enrollment did not stand there any more, so that nothing has changed. Only the `result` of a message
    is recorded in any case, in the same statement.

    This is the one place that writes step runs; counters of steps are raised here, in the same transaction.
    """
    last = done.entered[-1] if done.entered else None
    parameters: dict[str, Any] = {
        "id": done.enrollment_id,
        "number": done.number,
        "outcome": done.outcome,
        "next_key": done.entered[0].key if done.entered else None,
        "now": now(),
        "state": done.end.state if done.end else EnrollmentState.RUNNING.value,
        "final_outcome": done.end.outcome if done.end else None,
        "is_over": done.end is not None,
        "step_run": last.number if last else None,
        "step_key": last.key if last else None,
        "due_at": last.due_at if last and not done.end else None,
        "entered": json.dumps([_step_run(each) for each in done.entered]),
        "events": json.dumps(list(_events(done))),
    }
    if result is None:
        return bool(await session.scalar(MOVE, parameters))
    return bool(await session.scalar(RECORD_AND_MOVE, parameters | ledger.of_results([result])))


def _step_run(each: Passage) -> dict[str, Any]:
    return {"number": each.number, "key": each.key, "kind": each.kind, "outcome": each.outcome, "next_key": each.to}


def _events(done: Move) -> Iterator[dict[str, Any]]:
    if done.number:
        left = {"outcome": done.outcome, "to": done.entered[0].key if done.entered else None}
        yield _event(EventKind.STEP_LEFT, done.number, None, left)
    for each in done.entered:
        detail = {"kind": each.kind, "due_at": each.due_at.isoformat() if each.due_at else None}
        yield _event(EventKind.STEP_ENTERED, each.number, each.key, detail)
        if each.outcome is not None:
            yield _event(EventKind.STEP_LEFT, each.number, each.key, {"outcome": each.outcome, "to": each.to})
    if done.end:
        last = done.entered[-1].number if done.entered else done.number
        yield _event(EventKind.ENDED, last + 1, None, {"state": done.end.state, "outcome": done.end.outcome})


def _event(kind: EventKind, number: int, key: str | None, detail: dict[str, Any]) -> dict[str, Any]:
    return {"id": str(new_id()), "kind": kind.value, "number": number, "key": key, "detail": detail}


async def close_enrollment(
    session: AsyncSession, enrollment_id: UUID, state: FinalState, outcome: str, left_by: str | None = None
) -> bool:
    """Ends an enrollment where it stands: by its workflow, by a command that finds no workflow, or because its workflow is gone
    from Temporal. Returns False, and changes nothing, when the enrollment is over already.

    `left_by` is how its last step was left; by default it is the state. A stop keeps the reason that was given with it, which
    only the row knows, instead of `outcome`.
    """
    enrollment = await session.get_one(Enrollment, enrollment_id, with_for_update={"key_share": True}, populate_existing=True)
    if enrollment.finished_at is not None:
        return False
    shown = (enrollment.stop_reason if state == "stopped" else None) or outcome
    await move(session, Move(enrollment.id, enrollment.step_run, left_by or state, end=End(state, shown)))
    await ledger.close_messages(session, enrollment.id, outcome if state == "failed" else None)
    await session.refresh(enrollment)
    return True
