"""A CSV import of contacts: the file, how far it got, and what was wrong with which row."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now


class ImportState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"


class ContactImport(SQLModel, table=True):
    """`processed` rows are done for good: each page of rows and this counter are one transaction, so a retry goes on there."""

    __tablename__ = "contact_import"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    state: ImportState = Field(default=ImportState.QUEUED, sa_type=String)
    csv: str
    total: int
    processed: int = 0
    created: int = 0
    updated: int = 0
    failed: int = 0
    # The first 1,000 rows that failed: [{"row": 3, "field": "email", "message": "…"}]; `failed` counts them all.
    errors: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    workflow_started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)
