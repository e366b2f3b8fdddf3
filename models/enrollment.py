"""An enrollment: one contact's way through one published version of a sequence. Its workflow decides, this row shows."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models import ledger
from models.base import Timestamp, new_id, now
from models.errors import NotFound
from models.event import Event, EventKind
from models.paging import PageRequest, newest_first


class EnrollmentState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


ACTIVE = (EnrollmentState.QUEUED, EnrollmentState.RUNNING)


class Enrollment(SQLModel, table=True):
    """A contact is at most once at a time in a sequence, and at most once as the follow-up of one campaign."""

    __table_args__ = (
        Index(
            "uq_enrollment_active",
            "sequence_id",
            "contact_id",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running') AND campaign_id IS NULL"),
        ),
        Index(
            "uq_enrollment_follow_up", "campaign_id", "contact_id", unique=True, postgresql_where=text("campaign_id IS NOT NULL")
        ),
        Index("ix_enrollment_sequence_id_id", "sequence_id", "id"),
        Index("ix_enrollment_contact_id", "contact_id"),
        Index("ix_enrollment_not_started", "created_at", postgresql_where=text("workflow_started_at IS NULL")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    sequence_id: UUID = Field(foreign_key="sequence.id")
    sequence_version_id: UUID = Field(foreign_key="sequence_version.id")
    contact_id: UUID = Field(foreign_key="contact.id")
    campaign_id: UUID | None = Field(default=None, foreign_key="campaign.id")
    state: EnrollmentState = Field(default=EnrollmentState.QUEUED, sa_type=String)
    step_key: str | None = None
    visit: int = 0
    due_at: datetime | None = Field(default=None, sa_type=Timestamp)
    outcome: str | None = None
    workflow_started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    stop_requested_at: datetime | None = Field(
        default=None, sa_type=Timestamp, description="From then on nothing is sent, also before its workflow has noticed."
    )
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)


class EnrollResult(StrEnum):
    """What became of one contact of a request to enroll."""

    ENROLLED = "enrolled"
    ALREADY_ENROLLED = "already_enrolled"
    UNKNOWN_CONTACT = "unknown_contact"


@dataclass(frozen=True)
class Enrolled:
    """`enrollment_id` is the new one, or the one that is still running; None for an unknown contact."""

    contact_id: UUID
    result: EnrollResult
    enrollment_id: UUID | None


@dataclass(frozen=True)
class EnrollmentFilter:
    sequence_id: UUID | None = None
    contact_id: UUID | None = None
    campaign_id: UUID | None = None
    state: EnrollmentState | None = None


# A row and its event are one statement: nobody sees an enrollment without its first event. Rows that a unique index refuses
# are left out, also when another transaction has just committed them.
INSERT = """
WITH given AS (
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:event_ids AS uuid[]), CAST(:contact_ids AS uuid[]))
        AS given (id, event_id, contact_id)
), target AS (
    {target}
), inserted AS (
    INSERT INTO enrollment (id, org_id, sequence_id, sequence_version_id, contact_id, campaign_id, state, visit, created_at)
    SELECT given.id, target.org_id, target.sequence_id, target.sequence_version_id, given.contact_id, target.campaign_id,
        'queued', 0, :now
    FROM given CROSS JOIN target
    JOIN contact ON contact.id = given.contact_id AND contact.org_id = target.org_id
    ON CONFLICT DO NOTHING
    RETURNING id, org_id, contact_id, sequence_id, campaign_id
), recorded AS (
    INSERT INTO event (id, org_id, contact_id, enrollment_id, sequence_id, kind, visit, detail, at)
    SELECT given.event_id, inserted.org_id, inserted.contact_id, inserted.id, inserted.sequence_id, 'enrolled', 0,
        jsonb_strip_nulls(jsonb_build_object('campaign_id', inserted.campaign_id)), :now
    FROM inserted JOIN given USING (id)
)
SELECT id FROM inserted
"""

FROM_CAMPAIGN = """
    SELECT campaign.org_id, campaign.id AS campaign_id, sequence.id AS sequence_id, version.id AS sequence_version_id
    FROM campaign
    JOIN sequence ON sequence.id = CAST(campaign.trigger ->> 'sequence_id' AS uuid) AND sequence.org_id = campaign.org_id
    JOIN sequence_version version ON version.sequence_id = sequence.id AND version.version = sequence.version
    WHERE campaign.id = :campaign_id
"""

FROM_VERSION = """
    SELECT version.org_id, CAST(NULL AS uuid) AS campaign_id, version.sequence_id, version.id AS sequence_version_id
    FROM sequence_version version WHERE version.id = :version_id
"""


async def _insert(session: AsyncSession, target: str, contact_ids: Iterable[UUID], **parameters: UUID) -> set[UUID]:
    # In one order everywhere, so that two requests with the same contacts wait for each other instead of deadlocking.
    contacts = sorted(set(contact_ids))
    arrays = {"ids": [new_id() for _ in contacts], "event_ids": [new_id() for _ in contacts], "contact_ids": contacts}
    rows = await session.scalars(text(INSERT.format(target=target)), {**arrays, **parameters, "now": now()})
    return set(rows)


async def create_follow_ups(session: AsyncSession, campaign_id: UUID, contact_ids: Sequence[UUID]) -> list[UUID]:
    """Enrolls the contacts in the sequence of the campaign's trigger, each at most once for ever.

    Returns the enrollments of these contacts that have no workflow yet, whoever made them: start those. Does nothing for a
    campaign without a trigger.
    """
    await _insert(session, FROM_CAMPAIGN, contact_ids, campaign_id=campaign_id)
    waiting = await session.scalars(
        select(col(Enrollment.id)).where(
            col(Enrollment.campaign_id) == campaign_id,
            col(Enrollment.contact_id).in_(contact_ids),
            col(Enrollment.workflow_started_at).is_(None),
            col(Enrollment.state) == EnrollmentState.QUEUED,
        )
    )
    return list(waiting)


async def enroll(
    session: AsyncSession, org_id: UUID, version_id: UUID, sequence_id: UUID, contact_ids: Sequence[UUID]
) -> list[Enrolled]:
    """One result for each entry of `contact_ids`, in their order. A contact named twice is enrolled once."""
    new = await _insert(session, FROM_VERSION, contact_ids, version_id=version_id)
    active = await _active(session, org_id, sequence_id, contact_ids)
    # An enrollment that stood in the way of the insert may have ended before the look: once more. Unknown contacts stay unknown.
    if missing := set(contact_ids) - active.keys():
        new |= await _insert(session, FROM_VERSION, missing, version_id=version_id)
        active |= await _active(session, org_id, sequence_id, missing)
    results = []
    for contact in contact_ids:
        enrollment = active.get(contact)
        results.append(Enrolled(contact, _result(enrollment, new), enrollment))
        new -= {enrollment}
    return results


async def _active(session: AsyncSession, org_id: UUID, sequence_id: UUID, contact_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The enrollment that each contact is in, but for follow-ups of campaigns."""
    rows = await session.execute(
        select(col(Enrollment.contact_id), col(Enrollment.id)).where(
            col(Enrollment.org_id) == org_id,
            col(Enrollment.sequence_id) == sequence_id,
            col(Enrollment.contact_id).in_(contact_ids),
            col(Enrollment.campaign_id).is_(None),
            col(Enrollment.state).in_(ACTIVE),
        )
    )
    return {row.contact_id: row.id for row in rows}


def _result(enrollment: UUID | None, new: set[UUID]) -> EnrollResult:
    if enrollment is None:
        return EnrollResult.UNKNOWN_CONTACT
    return EnrollResult.ENROLLED if enrollment in new else EnrollResult.ALREADY_ENROLLED


async def get_enrollment(session: AsyncSession, org_id: UUID, enrollment_id: UUID, *, lock: bool = False) -> Enrollment:
    """As it is in the database now, also when this session has read it before. `lock`: it stays so for this transaction."""
    row = await session.get(Enrollment, enrollment_id, populate_existing=True, with_for_update=lock or None)
    if row is None or row.org_id != org_id:
        raise NotFound("No such enrollment.")
    return row


async def list_enrollments(
    session: AsyncSession, org_id: UUID, wanted: EnrollmentFilter, page: PageRequest
) -> tuple[list[Enrollment], UUID | None]:
    statement = select(Enrollment).where(col(Enrollment.org_id) == org_id)
    for field, value in vars(wanted).items():
        if value is not None:
            statement = statement.where(col(getattr(Enrollment, field)) == value)
    return await newest_first(session, statement, col(Enrollment.id), page)


async def request_stop(session: AsyncSession, row: Enrollment) -> None:
    """`row` is locked, so a message is claimed before this or never: a claim locks the row too."""
    row.stop_requested_at = row.stop_requested_at or now()
    await session.flush()


async def stop_without_workflow(session: AsyncSession, row: Enrollment, reason: str) -> None:
    """Ends an enrollment that has no workflow to tell; `row` is locked and not over."""
    row.state, row.outcome, row.finished_at, row.due_at = EnrollmentState.STOPPED, reason, now(), None
    event = {"id": new_id(), "org_id": row.org_id, "contact_id": row.contact_id, "enrollment_id": row.id, "visit": row.visit}
    detail = {"state": EnrollmentState.STOPPED, "outcome": reason}
    values = {**event, "sequence_id": row.sequence_id, "kind": EventKind.ENDED, "detail": detail, "at": row.finished_at}
    await session.execute(insert(Event).values(values).on_conflict_do_nothing())
    await ledger.close_messages(session, row.id, failure=None)
    await session.flush()


async def over_before_start(session: AsyncSession, enrollment_id: UUID) -> str | None:
    """How it ended, when it has. Waits for a stop that is being written, which found no workflow to tell."""
    row = await session.get(Enrollment, enrollment_id, with_for_update={"read": True})
    return (row.outcome or row.state.value) if row is not None and row.finished_at is not None else None
