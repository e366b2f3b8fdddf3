"""A sequence: a draft that can be edited, and published versions that never change."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now


class SequenceState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"


class Sequence(SQLModel, table=True):
    """`draft` is a SequenceDefinition as JSON; `link_tracking` None inherits from the organization."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    name: str
    state: SequenceState = Field(default=SequenceState.DRAFT, sa_type=String)
    link_tracking: bool | None = None
    draft: dict[str, Any] = Field(sa_type=JSONB)
    version: int | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class SequenceVersion(SQLModel, table=True):
    """Immutable. Running enrollments stay on the version they started with."""

    __tablename__ = "sequence_version"
    __table_args__ = (UniqueConstraint("sequence_id", "version"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    sequence_id: UUID = Field(foreign_key="sequence.id")
    version: int
    definition: dict[str, Any] = Field(sa_type=JSONB)
    published_at: datetime = Field(default_factory=now, sa_type=Timestamp)
