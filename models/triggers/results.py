"""What became of an action of some firings: it is written down in the transaction in which the firings go on to the next one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.triggers.due import DueFiring
from models.triggers.firing import ActionOutcome, NotFiredReason
from models.triggers.published import ADMISSION, PublishedTrigger


@dataclass(frozen=True)
class ActionResult:
    """`reason` says why it failed or was skipped. `detail` holds ids and words of ours, never what a person wrote; its `result`
    is the reason in one word, by which the diagnostics advise."""

    outcome: ActionOutcome
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Later:
    """The action cannot be done now: try it again at this time."""

    at: datetime
    why: str


Results = Mapping[UUID, ActionResult | Later]
"""By the ids of firings."""


def done(**detail: Any) -> ActionResult:
    return ActionResult(ActionOutcome.DONE, detail=detail)


def failed(reason: str, **detail: Any) -> ActionResult:
    """The action cannot be done. It is listed with its reason, and somebody can have it tried again."""
    return ActionResult(ActionOutcome.FAILED, reason, detail)


def skipped(reason: str, **detail: Any) -> ActionResult:
    """There is nothing to do."""
    return ActionResult(ActionOutcome.SKIPPED, reason, detail)


# A firing that somebody else has taken further meanwhile changes nothing. What comes next belongs to another sweeper when one of
# them sends and the other does not, so it is due at once; otherwise whoever has claimed the firing goes on.
RECORD = """
WITH given AS (
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:nexts AS int[]), CAST(:sends AS boolean[])) AS given (id, next, sends)
), moved AS (
    UPDATE firing SET next_action = coalesce(given.next, firing.next_action), sends = given.sends, attempts = 0,
        last_error = NULL, due_at = CASE WHEN given.sends <> firing.sends THEN now() ELSE due_at END,
        finished_at = CASE WHEN given.next IS NULL THEN now() END
    FROM given WHERE firing.id = given.id AND firing.next_action = :position AND firing.finished_at IS NULL
    RETURNING firing.id
), written AS (
    INSERT INTO firing_action (firing_id, position, trigger_id, kind, outcome, reason, detail, at)
    SELECT given.id, given.position, :trigger_id, given.kind, given.outcome, given.reason, given.detail, now()
    FROM moved JOIN unnest(CAST(:written_ids AS uuid[]), CAST(:positions AS int[]), CAST(:kinds AS text[]),
        CAST(:outcomes AS text[]), CAST(:reasons AS text[]), CAST(:details AS jsonb[]))
        AS given (id, position, kind, outcome, reason, detail) USING (id)
    RETURNING position, outcome
), counted AS (
    INSERT INTO trigger_count AS kept (trigger_id, position, what, count)
    SELECT :trigger_id, position, outcome, count(*) FROM written GROUP BY position, outcome ORDER BY position, outcome
    ON CONFLICT (trigger_id, position, what) DO UPDATE SET count = kept.count + excluded.count
)
SELECT id FROM moved
"""

# The rows of `trigger_person` are locked in the order in which recorders lock them.
LOCK_PEOPLE = """
SELECT FROM trigger_person WHERE trigger_id = :trigger_id AND contact_id = ANY(CAST(:contact_ids AS uuid[]))
ORDER BY trigger_id, contact_id FOR UPDATE
"""
REFUSE = """
WITH gone AS (
    DELETE FROM firing WHERE id = ANY(CAST(:ids AS uuid[])) RETURNING *
), people AS (
    UPDATE trigger_person AS kept SET refused = kept.refused + 1
    FROM gone WHERE kept.trigger_id = gone.trigger_id AND kept.contact_id = gone.contact_id
    RETURNING kept.times > kept.refused AS known
), told AS (
    INSERT INTO trigger_refusal (trigger_id, contact_id, reason, org_id, click_id, message_id, at)
    SELECT trigger_id, contact_id, :reason, org_id, click_id, message_id, fired_at FROM gone ORDER BY trigger_id, contact_id
    ON CONFLICT DO NOTHING
)
INSERT INTO trigger_count AS kept (trigger_id, position, what, count)
SELECT :trigger_id, -1, what, -count FROM (
    SELECT 'fired' AS what, count(*) FROM gone UNION ALL SELECT 'people', count(*) FROM people WHERE NOT known
) AS lowered WHERE count > 0 ORDER BY what
ON CONFLICT (trigger_id, position, what) DO UPDATE SET count = kept.count + excluded.count
"""


@dataclass(frozen=True)
class _Written:
    """A row of `firing_action`."""

    firing_id: UUID
    position: int
    result: ActionResult


async def record_results(
    session: AsyncSession,
    trigger: PublishedTrigger,
    position: int,
    firings: Sequence[DueFiring],
    results: Mapping[UUID, ActionResult],
) -> list[DueFiring]:
    """Writes what became of the action at this position for each of the firings, and raises the counters. Returns those that are
    still ours to work on, at their next action: neither finished nor handed over to the other sweeper.

    At the position of the admission nothing is written: the firings go on.
    """
    following = {each.id: _next(trigger, position, each, results[each.id]) for each in firings}
    sends = {key: next is not None and trigger.kind(next) == "send" for key, next in following.items()}
    written = [row for each in firings for row in _written(trigger, position, each, results[each.id])] if position >= 0 else []
    parameters = {
        "trigger_id": trigger.id,
        "position": position,
        "ids": list(following),
        "nexts": list(following.values()),
        "sends": list(sends.values()),
        "written_ids": [row.firing_id for row in written],
        "positions": [row.position for row in written],
        "kinds": [trigger.kind(row.position) for row in written],
        "outcomes": [row.result.outcome.value for row in written],
        "reasons": [row.result.reason for row in written],
        "details": [json.dumps(dict(row.result.detail)) for row in written],
    }
    moved = set(await session.scalars(text(RECORD), parameters))
    ours = trigger.kind(position) == "send"
    return [
        replace(each, next_action=next, attempts=0)
        for each in firings
        if each.id in moved and (next := following[each.id]) is not None and sends[each.id] == ours
    ]


async def refuse_firings(
    session: AsyncSession,
    trigger: PublishedTrigger,
    firings: Sequence[DueFiring],
    reason: NotFiredReason = NotFiredReason.NOT_IN_SEGMENT,
) -> None:
    """The contacts are not in the trigger's segment, or nobody could tell, so it has not fired for them: the firings go away, and
    the conversations say why. The next click of such a person asks again. The caller holds the firings."""
    if not firings:
        return
    people = {"trigger_id": trigger.id, "contact_ids": [each.contact_id for each in firings]}
    await session.execute(text(LOCK_PEOPLE), people)
    ids = [each.id for each in firings]
    await session.execute(text(REFUSE), {"trigger_id": trigger.id, "ids": ids, "reason": reason.value})


def _is_stopped(trigger: PublishedTrigger, position: int, result: ActionResult) -> bool:
    return position > ADMISSION and result.outcome == ActionOutcome.FAILED and trigger.stops(position)


def _left(trigger: PublishedTrigger, position: int, firing: DueFiring) -> list[int]:
    """The positions behind this one whose action has no outcome yet. After a retry some may have one."""
    return [each for each in range(position + 1, len(trigger.actions)) if each not in firing.done]


def _next(trigger: PublishedTrigger, position: int, firing: DueFiring, result: ActionResult) -> int | None:
    left = _left(trigger, position, firing)
    return None if _is_stopped(trigger, position, result) or not left else left[0]


def _written(trigger: PublishedTrigger, position: int, firing: DueFiring, result: ActionResult) -> list[_Written]:
    rows = [_Written(firing.id, position, result)]
    if _is_stopped(trigger, position, result):
        because = skipped(f"the action before it at position {position} failed: {result.reason}")
        rows += [_Written(firing.id, each, because) for each in _left(trigger, position, firing)]
    return rows
