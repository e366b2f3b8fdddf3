"""A message: the ledger of everything that was sent, is being sent, or was left out and why."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now


class MessageState(StrEnum):
    """planned → sending (committed before the channel is called) → accepted | failed | unknown; or skipped.

    Only `planned` may be sent. `unknown`: the channel was called and nobody knows what it did; never sent again blindly.
    """

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Message(SQLModel, table=True):
    """Key: (enrollment, visit) or (campaign, contact). (content, ordinal) is what a link token names."""

    __table_args__ = (
        Index("uq_message_enrollment_visit", "enrollment_id", "visit", unique=True, postgresql_where=text("campaign_id IS NULL")),
        Index(
            "uq_message_campaign_contact",
            "campaign_id",
            "contact_id",
            unique=True,
            postgresql_where=text("campaign_id IS NOT NULL"),
        ),
        Index("uq_message_content_ordinal", "content_id", "ordinal", unique=True),
        Index("ix_message_contact_id_id", "contact_id", "id"),
        Index("ix_message_org_id_id", "org_id", "id"),
        Index("ix_message_unsettled", "sending_at", postgresql_where=text("state = 'sending'")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    contact_id: UUID = Field(foreign_key="contact.id")
    channel_id: UUID = Field(foreign_key="channel.id")
    content_id: int = Field(foreign_key="content.id")
    ordinal: int
    campaign_id: UUID | None = Field(default=None, description="Set for a campaign's own message, not for its follow-ups.")
    sequence_id: UUID | None = None
    enrollment_id: UUID | None = None
    step_key: str | None = None
    visit: int | None = None
    state: MessageState = Field(default=MessageState.PLANNED, sa_type=String)
    reason: str | None = None
    tracked: bool = False
    to_address: str | None = None
    subject: str | None = None
    body: str | None = None
    provider_id: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    sending_at: datetime | None = Field(default=None, sa_type=Timestamp)
    accepted_at: datetime | None = Field(default=None, sa_type=Timestamp)
