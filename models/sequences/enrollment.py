"""An enrollment: one contact's way through one published version of a sequence. Its workflow decides, this row shows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, col

from models.base import Timestamp, new_id, now
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first, newest_of_each
from models.sequences.re_entry import ReEntry
from models.sequences.sequence import SequenceVersion
from models.start import NeedsWorkflow


class EnrollmentState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


ACTIVE = (EnrollmentState.QUEUED, EnrollmentState.RUNNING)


class CauseKind(StrEnum):
    """What has enrolled a contact: a request to the API, the action of a trigger, or a step of another enrollment."""

    REQUEST = "request"
    TRIGGER = "trigger"
    STEP = "step"


class Enrollment(NeedsWorkflow, table=True):
    """`re_entry` is the sequence's rule when the contact was enrolled. Of `cause`, `cause_id` and `cause_number` name the one
    occurrence, which enrolls the contact once: a firing and its action, or an enrollment and its passage."""

    __table_args__ = (
        Index(
            "uq_enrollment_active",
            "sequence_id",
            "contact_id",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running') AND re_entry <> 'always'"),
        ),
        Index("uq_enrollment_ever", "sequence_id", "contact_id", unique=True, postgresql_where=text("re_entry = 'never'")),
        Index(
            "uq_enrollment_cause",
            "cause_id",
            "cause_number",
            "contact_id",
            unique=True,
            postgresql_where=text("cause_id IS NOT NULL"),
        ),
        Index("ix_enrollment_org_id_state_id", "org_id", "state", "id"),
        Index("ix_enrollment_sequence_id_state_id", "sequence_id", "state", "id"),
        Index(
            "ix_enrollment_sequence_id_step_key_id",
            "sequence_id",
            "step_key",
            "id",
            postgresql_where=text("step_key IS NOT NULL"),
        ),
        Index(
            "ix_enrollment_campaign_id_state_id", "campaign_id", "state", "id", postgresql_where=text("campaign_id IS NOT NULL")
        ),
        Index("ix_enrollment_contact_id", "contact_id"),
        Index("ix_enrollment_active", "id", postgresql_where=text("state IN ('queued', 'running')")),
        Index("ix_enrollment_waits_for", "waits_for", postgresql_where=text("waits_for IS NOT NULL")),
        Index(
            "ix_enrollment_version_step_due_at",
            "sequence_version_id",
            "step_key",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index("ix_enrollment_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "ix_enrollment_to_start",
            "org_id",
            "start_due_at",
            postgresql_where=text("workflow_started_at IS NULL AND state = 'queued' AND stop_requested_at IS NULL"),
        ),
        Index(
            "ix_enrollment_before_first_move",
            "org_id",
            "start_due_at",
            postgresql_where=text("workflow_started_at IS NOT NULL AND state = 'queued'"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    sequence_id: UUID = Field(foreign_key="sequence.id")
    sequence_version_id: UUID = Field(foreign_key="sequence_version.id")
    contact_id: UUID = Field(foreign_key="contact.id")
    campaign_id: UUID | None = Field(default=None, foreign_key="campaign.id")
    cause: CauseKind = Field(default=CauseKind.REQUEST, sa_type=String)
    cause_id: UUID | None = None
    cause_number: int | None = None
    variables: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    re_entry: ReEntry = Field(default=ReEntry.AFTER_FINISHING, sa_type=String)
    state: EnrollmentState = Field(default=EnrollmentState.QUEUED, sa_type=String)
    step_key: str | None = None
    step_run: int = 0
    due_at: datetime | None = Field(default=None, sa_type=Timestamp)
    waits_for: UUID | None = Field(
        default=None, foreign_key="channel.id", description="The paused channel that its next message waits for."
    )
    outcome: str | None = None
    stop_requested_at: datetime | None = Field(
        default=None, sa_type=Timestamp, description="From then on nothing is sent, also before its workflow has noticed."
    )
    stop_reason: str | None = Field(
        default=None, description="What somebody wrote, perhaps about a person: Temporal never has it."
    )
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)


@dataclass(frozen=True)
class EnrollmentFilter:
    """Each condition that is None lets everything through. `version` and `step` are of a version of `sequence_id`."""

    sequence_id: UUID | None = None
    contact_id: UUID | None = None
    campaign_id: UUID | None = None
    state: EnrollmentState | None = None
    step: str | None = None
    version: int | None = None
    due_before: datetime | None = None


CONDITIONS = {
    "sequence_id": "AND sequence_id = :sequence_id",
    "contact_id": "AND contact_id = :contact_id",
    "campaign_id": "AND campaign_id = :campaign_id",
    "step": "AND step_key BETWEEN :step AND :step",
    "version": """AND sequence_version_id IN (
        SELECT id FROM sequence_version WHERE sequence_id = :sequence_id AND version = :version)""",
    "due_before": "AND due_at < :due_before",
}


async def get_enrollment(session: AsyncSession, org_id: UUID, enrollment_id: UUID, *, lock: bool = False) -> Enrollment:
    """Returns the enrollment as it is in the database now, also when this session has read it before. With `lock`, it stays so
    for this transaction."""
    row = await session.get(Enrollment, enrollment_id, populate_existing=True, with_for_update=lock or None)
    return require_owned(row, org_id, "enrollment")


async def list_enrollments(
    session: AsyncSession, org_id: UUID, wanted: EnrollmentFilter, page: PageRequest
) -> tuple[list[Enrollment], UUID | None]:
    """Returns a page, newest first, and the id after which the next page begins, which is None on the last page."""
    given = {name: value for name, value in vars(wanted).items() if value is not None}
    conditions = " ".join(["AND org_id = :org_id", *(CONDITIONS[name] for name in given if name in CONDITIONS)])
    values = {**given, "org_id": org_id}
    states = [wanted.state] if wanted.state else list(EnrollmentState)
    if not given.keys() & {"contact_id", "due_before", "step"}:  # these have indexes of their own
        return await newest_of_each(session, Enrollment, {"state": states}, conditions, values, page)
    found = select(Enrollment).where(text(f"state = ANY(CAST(:states AS text[])) {conditions}"))
    if wanted.step is not None:  # a range of one and part of the order, as the state is in `newest_of_each`
        found = found.order_by(col(Enrollment.step_key).desc())
    return await newest_first(session, found.params(**values, states=states), col(Enrollment.id), page)


async def enrollments_by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Enrollment]:
    rows = await session.scalars(select(Enrollment).where(col(Enrollment.id).in_(ids)))
    return {row.id: row for row in rows}


async def version_numbers(session: AsyncSession, version_ids: Collection[UUID]) -> dict[UUID, int]:
    rows = await session.execute(
        select(col(SequenceVersion.id), col(SequenceVersion.version)).where(col(SequenceVersion.id).in_(version_ids))
    )
    return {row.id: row.version for row in rows}


ACTIVE_BY_VERSION = """
SELECT sequence_version_id, sum(enrollments)::int AS active
FROM sequence_version version JOIN enrollment_count ON sequence_version_id = version.id
WHERE version.sequence_id = :sequence_id AND state IN ('queued', 'running')
GROUP BY sequence_version_id HAVING sum(enrollments) <> 0
"""


async def active_enrollments_by_version(session: AsyncSession, sequence_id: UUID) -> dict[UUID, int]:
    """Returns how many enrollments are not over, from counters, by the id of the version that they are in. Versions without any
    are left out."""
    rows = await session.execute(text(ACTIVE_BY_VERSION), {"sequence_id": sequence_id})
    return {row.sequence_version_id: row.active for row in rows}
