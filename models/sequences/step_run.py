"""A step run: one passage of an enrollment through a step, with when it was entered and left, how, and where to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.base import Timestamp, now


class StepRun(SQLModel, table=True):
    """`number` counts the passages of an enrollment from 1, so a step in a loop has a row for each time. `next_key` is the step
    that came next, and null when the passage is not over or was the last one."""

    __tablename__ = "step_run"
    __table_args__ = (Index("ix_step_run_sequence_version_id_step_key", "sequence_version_id", "step_key"),)

    enrollment_id: UUID = Field(foreign_key="enrollment.id", primary_key=True)
    number: int = Field(primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    sequence_version_id: UUID = Field(foreign_key="sequence_version.id")
    step_key: str
    kind: str
    entered_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    left_at: datetime | None = Field(default=None, sa_type=Timestamp)
    outcome: str | None = None
    next_key: str | None = None
