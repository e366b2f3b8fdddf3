"""The rows that explain why a message was sent or not, each found by an index."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import first_id
from models.campaigns.campaign import Campaign
from models.messages.content import ContentLink
from models.messages.message import Message
from models.organizations.audit_log import AuditLog
from models.organizations.owned import owned
from models.sequences.enrollment import Enrollment
from models.sequences.event import Event, EventKind
from models.sequences.sequence import Sequence as SequenceRow
from models.sequences.step_run import StepRun
from models.triggers.firing import TriggerRefusal

REQUEST_TAKES = timedelta(seconds=30)
"""A request's row of the audit log is written at its end, which comes at most this long after what it wrote."""


async def changed_by(
    session: AsyncSession, org_id: UUID, action: str, target_id: UUID, since: datetime | None
) -> AuditLog | None:
    """Returns the row of the request that did this to the target. With `since`, it is the first one from that moment on, and None
    if another key did the same within the time that a request takes."""
    found = select(AuditLog).where(
        col(AuditLog.org_id) == org_id, col(AuditLog.target_id) == str(target_id), col(AuditLog.action) == action
    )
    if since is None:
        return await session.scalar(found.order_by(col(AuditLog.id).desc()).limit(1))
    within = found.where(col(AuditLog.id) >= first_id(since), col(AuditLog.id) < first_id(since + REQUEST_TAKES))
    rows = list(await session.scalars(within.order_by(col(AuditLog.id)).limit(20)))
    return rows[0] if len({row.key_id for row in rows}) == 1 else None


class Passage(NamedTuple):
    """A passage of an enrollment through a step, and the event with which the one before it was left."""

    entered_at: datetime
    before_key: str | None
    before_outcome: str | None
    event_id: UUID | None


PASSAGE = text("""
SELECT run.entered_at, before.step_key, before.outcome, event.id FROM step_run run
LEFT JOIN step_run before ON before.enrollment_id = run.enrollment_id AND before.number = run.number - 1
LEFT JOIN event ON event.enrollment_id = run.enrollment_id AND event.step_run = run.number - 1 AND event.kind = 'step_left'
WHERE run.enrollment_id = :enrollment_id AND run.number = :number
""")


async def passage_of(session: AsyncSession, enrollment_id: UUID, number: int) -> Passage | None:
    row = (await session.execute(PASSAGE, {"enrollment_id": enrollment_id, "number": number})).one_or_none()
    return Passage(*row) if row else None


async def campaign_message(session: AsyncSession, campaign_id: UUID, contact_id: UUID) -> Message | None:
    found = select(Message).where(col(Message.campaign_id) == campaign_id, col(Message.contact_id) == contact_id)
    return await session.scalar(found)


async def last_enrollment(session: AsyncSession, sequence_id: UUID, contact_id: UUID) -> Enrollment | None:
    found = select(Enrollment).where(col(Enrollment.contact_id) == contact_id, col(Enrollment.sequence_id) == sequence_id)
    return await session.scalar(found.order_by(col(Enrollment.id).desc()).limit(1))


async def enrollment_message(session: AsyncSession, enrollment_id: UUID, step_key: str | None) -> Message | None:
    """Returns the newest message of the enrollment, or of this step."""
    found = select(Message).where(col(Message.enrollment_id) == enrollment_id, col(Message.campaign_id).is_(None))
    if step_key is not None:
        found = found.where(col(Message.step_key) == step_key)
    return await session.scalar(found.order_by(col(Message.step_run).desc()).limit(1))


async def firing_message(session: AsyncSession, firing_id: UUID) -> Message | None:
    """Returns the last message that a firing sent."""
    found = select(Message).where(col(Message.firing_id) == firing_id)
    return await session.scalar(found.order_by(col(Message.action_position).desc()).limit(1))


async def passed_steps(session: AsyncSession, enrollment_id: UUID) -> Sequence[StepRun]:
    """Returns the last passages of the enrollment, newest first."""
    found = select(StepRun).where(col(StepRun.enrollment_id) == enrollment_id)
    return (await session.scalars(found.order_by(col(StepRun.number).desc()).limit(100))).all()


async def end_event(session: AsyncSession, enrollment_id: UUID) -> Event | None:
    found = select(Event).where(col(Event.enrollment_id) == enrollment_id, col(Event.kind) == EventKind.ENDED)
    return await session.scalar(found.limit(1))


async def left_event(session: AsyncSession, enrollment_id: UUID, number: int) -> Event | None:
    """Returns the event with which this passage was left."""
    found = select(Event).where(col(Event.enrollment_id) == enrollment_id, col(Event.step_run) == number)
    return await session.scalar(found.where(col(Event.kind) == EventKind.STEP_LEFT))


NAMES: dict[str, Any] = {
    "campaign_id": (Campaign, "campaign"),
    "sequence_id": (SequenceRow, "sequence"),
    "link_id": (ContentLink, "link"),
}


async def named_in(session: AsyncSession, org_id: UUID, condition: Mapping[str, Any]) -> str | None:
    """Returns what the condition of a segment is about, such as `campaign 'Spring'`, or None when it names nothing, or something
    that is gone or has no name."""
    for field, (table, word) in NAMES.items():
        row: Any = await session.get(table, UUID(condition[field])) if condition.get(field) else None
        if owned(row, org_id) is not None and row.name:
            return f"{word} '{row.name}'"
    return None


class Refused(NamedTuple):
    """Why a trigger's action or a step did not enroll the contact: an EnrollResult as its word."""

    at: datetime
    result: str
    trigger_id: UUID | None
    trigger_key: str | None
    firing_id: UUID | None
    event_id: UUID | None
    step_key: str | None


# The firings and steps of one contact are few, and each is found by the contact.
NOT_ENROLLED = text("""
(SELECT action.at, action.detail ->> 'result' AS result, trigger.id AS trigger_id, trigger.key AS trigger_key,
    firing.id AS firing_id, CAST(NULL AS uuid) AS event_id, CAST(NULL AS text) AS step_key
FROM firing JOIN firing_action action ON action.firing_id = firing.id JOIN trigger ON trigger.id = firing.trigger_id
WHERE firing.contact_id = :contact_id AND action.kind = 'enroll' AND action.outcome <> 'done'
    AND action.detail ->> 'sequence_id' = :sequence_id AND action.detail ? 'result'
ORDER BY firing.fired_at DESC LIMIT 1)
UNION ALL
(SELECT event.at, substr(event.detail ->> 'outcome', 15), NULL, NULL, NULL, event.id, event.step_key
FROM event JOIN enrollment ON enrollment.id = event.enrollment_id
JOIN sequence_version version ON version.id = enrollment.sequence_version_id
WHERE event.contact_id = :contact_id AND event.kind = 'step_left' AND event.detail ->> 'outcome' LIKE 'not_enrolled: %'
    AND jsonb_path_exists(version.definition, '$.steps[*] ? (@.key == $key && @.sequence_id == $sequence)',
        jsonb_build_object('key', event.step_key, 'sequence', CAST(:sequence_id AS text)))
ORDER BY event.at DESC LIMIT 1)
ORDER BY at DESC LIMIT 1
""")


async def not_enrolled(session: AsyncSession, sequence_id: UUID, contact_id: UUID) -> Refused | None:
    """Returns the last time that a trigger or a step was not allowed to enroll the contact."""
    about = {"contact_id": contact_id, "sequence_id": str(sequence_id)}
    row = (await session.execute(NOT_ENROLLED, about)).one_or_none()
    return Refused(*row) if row else None


# A trigger that enrolls in the sequence and that this contact was refused by.
REFUSED_BY_TRIGGERS = text("""
SELECT refusal.id FROM trigger_refusal refusal JOIN trigger ON trigger.id = refusal.trigger_id
WHERE refusal.contact_id = :contact_id AND jsonb_path_exists(trigger.definition,
    '$.actions[*] ? (@.kind == "enroll" && @.sequence_id == $sequence)',
    jsonb_build_object('sequence', CAST(:sequence_id AS text)))
ORDER BY refusal.at DESC LIMIT 1
""")


async def refused_by_trigger(session: AsyncSession, sequence_id: UUID, contact_id: UUID) -> UUID | None:
    """Returns the last refusal of a trigger that would have enrolled the contact."""
    found: UUID | None = await session.scalar(REFUSED_BY_TRIGGERS, {"contact_id": contact_id, "sequence_id": str(sequence_id)})
    return found


async def last_firing(session: AsyncSession, trigger_id: UUID, contact_id: UUID) -> UUID | None:
    statement = text(
        "SELECT id FROM firing WHERE trigger_id = :trigger_id AND contact_id = :contact_id ORDER BY occurrence DESC LIMIT 1"
    )
    found: UUID | None = await session.scalar(statement, {"trigger_id": trigger_id, "contact_id": contact_id})
    return found


async def last_refusal(session: AsyncSession, trigger_id: UUID, contact_id: UUID) -> UUID | None:
    found = select(col(TriggerRefusal.id)).where(
        col(TriggerRefusal.trigger_id) == trigger_id, col(TriggerRefusal.contact_id) == contact_id
    )
    return await session.scalar(found.order_by(col(TriggerRefusal.at).desc()).limit(1))
