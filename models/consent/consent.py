"""Consent: what people have said about getting messages. Rows are added and never overwritten; the newest one that covers a
message counts."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.paging import PageRequest, newest_first


class ConsentState(StrEnum):
    """`unknown` takes an earlier answer back: the person is as if they had never been asked."""

    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"
    UNKNOWN = "unknown"


class ConsentSource(StrEnum):
    """Who said it. An import never makes an opted-out person active again."""

    UNSUBSCRIBE_LINK = "unsubscribe_link"
    PREFERENCE_PAGE = "preference_page"
    SMS_WORD = "sms_word"
    HELD_REFUSAL = "held_refusal"
    PROVIDER = "provider"
    COMPLAINT = "complaint"
    API = "api"
    IMPORT = "import"


class Consent(SQLModel, table=True):
    """It covers the messages of `medium`, of `channel_id` and of `message_kind`; each that is null covers all. `given_at` is the
    time of the person's act, and `proof` what shows it, such as the ids of the message and of the answer to it."""

    __table_args__ = (Index("ix_consent_contact_id_given_at_id", "contact_id", "given_at", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    contact_id: UUID = Field(foreign_key="contact.id")
    state: ConsentState = Field(sa_type=String)
    medium: str | None = None
    channel_id: UUID | None = Field(default=None, foreign_key="channel.id")
    message_kind: str | None = None
    source: ConsentSource = Field(sa_type=String)
    reason: str | None = None
    proof: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    given_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


async def list_consents(session: AsyncSession, contact_id: UUID, page: PageRequest) -> tuple[list[Consent], UUID | None]:
    """Returns a page of what the contact has said, the newest row first."""
    return await newest_first(session, select(Consent).where(col(Consent.contact_id) == contact_id), col(Consent.id), page)


async def newest_consent(session: AsyncSession, contact_id: UUID) -> Consent:
    """Returns the row that was written last."""
    newest = select(Consent).where(col(Consent.contact_id) == contact_id).order_by(col(Consent.id).desc()).limit(1)
    return (await session.scalars(newest)).one()
