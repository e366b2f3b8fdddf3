"""An inbound message: what somebody wrote to one of our channels."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, Integer, String, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first, newest_of_each


class InboundMeaning(StrEnum):
    """What was read in the text. A `perhaps_refusal` holds the person's messages until somebody decides."""

    REPLY = "reply"
    STOP = "stop"
    START = "start"
    HELP = "help"
    PERHAPS_REFUSAL = "perhaps_refusal"


class Decision(StrEnum):
    """What somebody decided about a `perhaps_refusal`."""

    REFUSAL = "refusal"
    NO_REFUSAL = "no_refusal"


PENDING = "meaning = 'perhaps_refusal' AND decided_at IS NULL"
"""Nobody has decided yet whether the person meant it."""


class InboundMessage(SQLModel, table=True):
    """`contact_id` is null for a sender that is no contact, and `message_id` names our newest message to the sender, which it
    answers. `provider_id` is the provider's name for it, so that one that is handed over many times is one row. `answer` is the
    text with which we confirmed a word such as STOP."""

    __tablename__ = "inbound_message"
    __table_args__ = (
        Index("uq_inbound_message_channel_id_provider_id", "channel_id", "provider_id", unique=True),
        Index("ix_inbound_message_contact_id_id", "contact_id", "id"),
        Index("ix_inbound_message_org_id_meaning_id", "org_id", "meaning", "id"),
        Index("ix_inbound_message_channel_id_meaning_id", "channel_id", "meaning", "id"),
        Index("ix_inbound_message_answered", "channel_id", "from_address", "id", postgresql_where=text("answer IS NOT NULL")),
        Index("ix_inbound_message_pending", "contact_id", postgresql_where=text(PENDING)),
        Index("ix_inbound_message_pending_of_organization", "org_id", "id", postgresql_where=text(PENDING)),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    channel_id: UUID = Field(foreign_key="channel.id")
    contact_id: UUID | None = Field(default=None, foreign_key="contact.id")
    message_id: UUID | None = None
    from_address: str | None = None
    to_address: str | None = None
    body: str | None = None
    provider_id: str
    meaning: InboundMeaning = Field(default=InboundMeaning.REPLY, sa_type=String)
    answer: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Timestamp)
    decision: Decision | None = Field(default=None, sa_type=String)
    received_at: datetime = Field(default_factory=now, sa_type=Timestamp)


@dataclass(frozen=True)
class InboundFilter:
    """Each condition that is None lets everything through. `pending` asks for those about which somebody has to decide."""

    contact_id: UUID | None = None
    channel_id: UUID | None = None
    meaning: InboundMeaning | None = None
    pending: bool = False


SIZE = "coalesce(octet_length(body), 0)"


async def list_inbound(
    session: AsyncSession, org_id: UUID, wanted: InboundFilter, page: PageRequest
) -> tuple[list[InboundMessage], UUID | None]:
    if wanted.contact_id is None and not wanted.pending:
        meanings = [wanted.meaning] if wanted.meaning is not None else list(InboundMeaning)
        conditions = "AND org_id = :org_id" if wanted.channel_id is None else "AND org_id = :org_id AND channel_id = :channel_id"
        values = {"org_id": org_id, "channel_id": wanted.channel_id}
        return await newest_of_each(session, InboundMessage, {"meaning": meanings}, conditions, values, page, size=SIZE)
    statement = select(InboundMessage).where(col(InboundMessage.org_id) == org_id)
    if wanted.contact_id is not None:
        statement = statement.where(col(InboundMessage.contact_id) == wanted.contact_id)
    if wanted.channel_id is not None:
        statement = statement.where(col(InboundMessage.channel_id) == wanted.channel_id)
    if wanted.meaning is not None:
        statement = statement.where(col(InboundMessage.meaning) == wanted.meaning)
    if wanted.pending:
        statement = statement.where(text(PENDING))
    return await newest_first(session, statement, col(InboundMessage.id), page, literal_column(SIZE, Integer))


async def get_inbound(session: AsyncSession, org_id: UUID, inbound_id: UUID, *, lock: bool = False) -> InboundMessage:
    row = await session.get(InboundMessage, inbound_id, with_for_update=lock or None, populate_existing=lock)
    return require_owned(row, org_id, "inbound message")


COUNT_PENDING = text(f"SELECT count(*) FROM inbound_message WHERE org_id = :org_id AND {PENDING}")  # noqa: S608 - ours
COUNT_PENDING_OF = text(f"SELECT count(*) FROM inbound_message WHERE contact_id = :contact_id AND {PENDING}")  # noqa: S608 - ours


async def count_pending(session: AsyncSession, org_id: UUID) -> int:
    """Returns how many messages of the organization somebody has to decide about."""
    return await session.scalar(COUNT_PENDING, {"org_id": org_id}) or 0


async def count_pending_of(session: AsyncSession, contact_id: UUID) -> int:
    """The same of one contact."""
    return await session.scalar(COUNT_PENDING_OF, {"contact_id": contact_id}) or 0
