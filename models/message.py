"""A message: the ledger of everything that was sent, is being sent, or was left out and why."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.errors import NotFound
from models.paging import PageRequest, newest_first


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


# Refused for now, or being sent: what a campaign has still to look after.
UNSETTLED = "state IN ('planned', 'sending')"


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
        Index("ix_message_unsettled", "campaign_id", "contact_id", postgresql_where=text(UNSETTLED)),
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
    html: str | None = None
    provider_id: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    sending_at: datetime | None = Field(default=None, sa_type=Timestamp)
    accepted_at: datetime | None = Field(default=None, sa_type=Timestamp)


@dataclass(frozen=True)
class MessageFilter:
    """None: any. `campaign_id` finds the campaign's own messages, not those of its follow-ups."""

    contact_id: UUID | None = None
    campaign_id: UUID | None = None
    sequence_id: UUID | None = None
    enrollment_id: UUID | None = None
    state: MessageState | None = None
    reason: str | None = None


async def get_message(session: AsyncSession, org_id: UUID, message_id: UUID) -> Message:
    row = await session.get(Message, message_id)
    if row is None or row.org_id != org_id:
        raise NotFound("No such message.")
    return row


async def list_messages(
    session: AsyncSession, org_id: UUID, wanted: MessageFilter, page: PageRequest
) -> tuple[list[Message], UUID | None]:
    statement = select(Message).where(col(Message.org_id) == org_id)
    for field, value in vars(wanted).items():
        if value is not None:
            statement = statement.where(col(getattr(Message, field)) == value)
    return await newest_first(session, statement, col(Message.id), page)


async def campaign_message_counts(session: AsyncSession, campaign_ids: Sequence[UUID]) -> dict[UUID, dict[MessageState, int]]:
    """How many messages of each campaign are in each state; a state without messages is left out."""
    rows = await session.execute(
        select(col(Message.campaign_id), col(Message.state), func.count())
        .where(col(Message.campaign_id).in_(campaign_ids))
        .group_by(col(Message.campaign_id), col(Message.state))
    )
    counts: dict[UUID, dict[MessageState, int]] = defaultdict(dict)
    for campaign_id, state, count in rows:
        if campaign_id is not None:
            counts[campaign_id][MessageState(state)] = count
    return counts
