"""A contact: a person that an organization can reach."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import TextArray, Timestamp, new_id, now


class Contact(SQLModel, table=True):
    """`phone` is E.164, `email` lower case; each of external_id, email and phone names at most one contact in an organization."""

    __table_args__ = (
        Index("uq_contact_external_id", "org_id", "external_id", unique=True, postgresql_where=text("external_id IS NOT NULL")),
        Index("uq_contact_email", "org_id", "email", unique=True, postgresql_where=text("email IS NOT NULL")),
        Index("uq_contact_phone", "org_id", "phone", unique=True, postgresql_where=text("phone IS NOT NULL")),
        Index("ix_contact_org_id_id", "org_id", "id"),
        Index("ix_contact_tags", "tags", postgresql_using="gin"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    time_zone: str | None = None
    tags: list[str] = Field(default_factory=list, sa_type=TextArray)
    properties: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)
