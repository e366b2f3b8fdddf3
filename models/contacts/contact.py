"""A contact: a person that an organization can reach."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, String, literal_column, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import TextArray, Timestamp, new_id, now
from models.contacts.search import FIRST_NAME_FIRST, HAS_NAME, LAST_NAME_FIRST, find_contacts
from models.errors import Conflict, ConflictCode
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first

ByteOrder = String(collation="C")
"""Compared byte by byte in every database, so that an index finds what begins with a text."""


class Contact(SQLModel, table=True):
    """`phone` is in E.164 and `email` in lower case. Each of external_id, email and phone names at most one contact in an
    organization, but with `organization.shared_mailboxes` several contacts may have one e-mail address: `mailbox_of` is then the
    contact's own id, and otherwise null. An erased contact is a row without anything about the person, which the counters still
    count."""

    __table_args__ = (
        Index("uq_contact_external_id", "org_id", "external_id", unique=True, postgresql_where=text("external_id IS NOT NULL")),
        Index(
            "uq_contact_email",
            "org_id",
            "email",
            "mailbox_of",
            unique=True,
            postgresql_where=text("email IS NOT NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("uq_contact_phone", "org_id", "phone", unique=True, postgresql_where=text("phone IS NOT NULL")),
        Index("ix_contact_org_id_id", "org_id", "id"),
        *(
            Index(
                f"ix_contact_{name}",
                "org_id",
                literal_column(words).label(name),
                postgresql_where=text(HAS_NAME),
                postgresql_ops={name: "text_pattern_ops"},
            )
            for name, words in (("first_name_first", FIRST_NAME_FIRST), ("last_name_first", LAST_NAME_FIRST))
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    external_id: str | None = Field(default=None, sa_type=ByteOrder)
    email: str | None = Field(default=None, sa_type=ByteOrder)
    mailbox_of: UUID | None = None
    phone: str | None = Field(default=None, sa_type=ByteOrder)
    first_name: str | None = None
    last_name: str | None = None
    time_zone: str | None = None
    tags: list[str] = Field(default_factory=list, sa_type=TextArray)
    properties: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    erased_at: datetime | None = Field(default=None, sa_type=Timestamp)


class ContactTag(SQLModel, table=True):
    """Each tag of each contact, in the order of pages, so that contacts with a tag are found without looking at those without it.

    A trigger of `contact` (in the migration) keeps it equal to `tags`, whoever writes them.
    """

    __tablename__ = "contact_tag"

    org_id: UUID = Field(primary_key=True)
    tag: str = Field(primary_key=True)
    contact_id: UUID = Field(primary_key=True)


# While a table has no statistics, as during a large import, the planner takes `IS NULL` for rare and no longer follows the index
# in whose order pages are. It takes `<>` for common.
NOT_ERASED = "num_nonnulls(contact.erased_at) <> 1"


@dataclass(frozen=True)
class ContactFilter:
    """Each condition that is None lets everything through. E-mail is in lower case and phone in E.164, as they are stored.
    `search` is plain text with which something begins that contacts are known by, and `country` where its number is dialled."""

    tag: str | None = None
    more_tags: tuple[str, ...] = ()
    email: str | None = None
    phone: str | None = None
    external_id: str | None = None
    search: str | None = None
    country: str | None = None


async def get_contact(session: AsyncSession, org_id: UUID, contact_id: UUID) -> Contact:
    """Raises NotFound, also for a contact of another organization."""
    return require_owned(await session.get(Contact, contact_id), org_id, "contact")


async def contacts_by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Contact]:
    rows = await session.scalars(select(Contact).where(col(Contact.id).in_(ids)))
    return {row.id: row for row in rows}


def refuse_erased(contact: Contact) -> None:
    """Raises Conflict when the contact was erased."""
    if contact.erased_at is not None:
        raise Conflict(ConflictCode.CONTACT_ERASED, "The contact was erased: create a new one.")


SMALL_PAGE = 50
"""A page of so many contacts may have all their properties: 0.8 MB at most."""
SIZE = literal_column("4 * octet_length(CAST(contact.properties AS text))", Integer)
"""What properties count for the bytes of a page. They can be thousands of values, each of which is read and written by itself, so
a page ends with 1 MB of them."""


async def list_contacts(
    session: AsyncSession, org_id: UUID, wanted: ContactFilter, page: PageRequest
) -> tuple[list[Contact], UUID | None]:
    keys = {key: value for key in ("email", "phone", "external_id") if (value := getattr(wanted, key)) is not None}
    statement = select(Contact).where(
        col(Contact.org_id) == org_id,
        text(NOT_ERASED),
        *(col(getattr(Contact, key)) == keys[key] for key in keys),
    )
    if wanted.search is not None:
        found = await find_contacts(session, org_id, wanted.search, wanted.country)
        statement = statement.where(col(Contact.id).in_(found))
    if wanted.more_tags:
        statement = statement.where(col(Contact.tags).op("@>", is_comparison=True)([*wanted.more_tags]))
    size = SIZE if page.limit > SMALL_PAGE else None
    if wanted.tag is None:
        return await newest_first(session, statement, col(Contact.id), page, size)
    if keys or wanted.search is not None:  # few contacts
        has_tag = col(Contact.tags).op("@>", is_comparison=True)([wanted.tag])
        return await newest_first(session, statement.where(has_tag), col(Contact.id), page, size)
    tagged = col(ContactTag.contact_id)
    statement = statement.join(ContactTag, tagged == col(Contact.id)).where(
        col(ContactTag.org_id) == org_id, col(ContactTag.tag) == wanted.tag
    )
    return await newest_first(session, statement, tagged, page, size)
