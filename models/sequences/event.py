"""An event: what the conversation shows beside messages and clicks. Enrolled, step taken, ended."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now


class EventKind(StrEnum):
    ENROLLED = "enrolled"
    STEP_ENTERED = "step_entered"
    STEP_LEFT = "step_left"
    ENDED = "ended"


class Event(SQLModel, table=True):
    """(enrollment, step_run, kind) is unique, so that a repeated activity writes nothing twice."""

    __table_args__ = (
        Index("uq_event_enrollment_visit_kind", "enrollment_id", "step_run", "kind", unique=True),
        Index("ix_event_contact_id_at", "contact_id", "at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    contact_id: UUID = Field(foreign_key="contact.id")
    enrollment_id: UUID = Field(foreign_key="enrollment.id")
    sequence_id: UUID
    kind: EventKind = Field(sa_type=String)
    step_run: int
    step_key: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    at: datetime = Field(default_factory=now, sa_type=Timestamp)
