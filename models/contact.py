"""A contact: a person that an organization can reach."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import TextArray, Timestamp, new_id, now
from models.errors import NotFound
from models.paging import PageRequest, newest_first


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


@dataclass(frozen=True)
class ContactFilter:
    """None: any. E-mail in lower case and phone as E.164, as they are stored."""

    tag: str | None = None
    email: str | None = None
    phone: str | None = None
    external_id: str | None = None


async def get_contact(session: AsyncSession, org_id: UUID, contact_id: UUID) -> Contact:
    """Raises NotFound, also for a contact of another organization."""
    row = await session.get(Contact, contact_id)
    if row is None or row.org_id != org_id:
        raise NotFound("No such contact.")
    return row


async def list_contacts(
    session: AsyncSession, org_id: UUID, wanted: ContactFilter, page: PageRequest
) -> tuple[list[Contact], UUID | None]:
    statement = select(Contact).where(col(Contact.org_id) == org_id)
    for field in ("email", "phone", "external_id"):
        value = getattr(wanted, field)
        if value is not None:
            statement = statement.where(col(getattr(Contact, field)) == value)
    if wanted.tag is not None:
        statement = statement.where(col(Contact.tags).op("@>", is_comparison=True)([wanted.tag]))
    return await newest_first(session, statement, col(Contact.id), page)
