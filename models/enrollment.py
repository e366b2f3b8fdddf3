"""An enrollment: one contact's way through one published version of a sequence. Its workflow decides, this row shows."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now


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
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)
