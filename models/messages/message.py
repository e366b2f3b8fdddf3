"""A message: the ledger of everything that was sent, is being sent, or was left out and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now
from models.channels.channel import Medium
from models.organizations.owned import require_owned
from models.paging import PageRequest, columns_of, cut_page, newest_of_each


class MessageState(StrEnum):
    """The states are planned → sending (committed before the channel is called) → accepted | failed | unknown; or skipped.

    Only a `planned` message may be sent. `unknown` means that the channel was called and nobody knows what it did. Such a message
    is never sent again blindly.
    """

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class MessageKind(StrEnum):
    """Marketing needs the person's consent. Transactional messages, such as a receipt, are those that the person expects from
    what they did; they go to people who opted out of marketing alone."""

    MARKETING = "marketing"
    TRANSACTIONAL = "transactional"


def must_offer_unsubscribe(medium: str, message_kind: str) -> bool:
    """Whether the texts of such a message have to show `unsubscribe_url`. On a phone, the answer STOP is the way."""
    return medium == Medium.EMAIL and message_kind == MessageKind.MARKETING


# Messages that were refused for now or are being sent, which a campaign still has to look after.
UNFINISHED = "state IN ('planned', 'sending')"

# Reports that people look for. Nearly every message is delivered in the end, and writing that into an index would cost more.
LISTED_REPORT = "report IN ('failed', 'bounced', 'replied', 'complained')"


class Message(SQLModel, table=True):
    """The key is (enrollment, step_run), (campaign, contact) or (firing, position of its action). A link token names
    (content, recipient_number).

    `late_after` is the time after which it is not worth sending. `report` is the highest ReportKind of what the provider has told
    (`models/messages/report.py`), and `units` is what the provider counts, such as the segments of an SMS. `facts` is what the
    gate saw when it was claimed or left out last (`services/gate.py`), with the number of its `attempts` and the rule of the
    audience that it came by: ids and words of ours, and nothing about the person."""

    __table_args__ = (
        Index(
            "uq_message_enrollment_step_run",
            "enrollment_id",
            "step_run",
            unique=True,
            postgresql_where=text("campaign_id IS NULL"),
        ),
        Index(
            "uq_message_campaign_contact",
            "campaign_id",
            "contact_id",
            unique=True,
            postgresql_where=text("campaign_id IS NOT NULL"),
        ),
        Index(
            "uq_message_firing_id_action_position",
            "firing_id",
            "action_position",
            unique=True,
            postgresql_where=text("firing_id IS NOT NULL"),
        ),
        Index("uq_message_content_recipient_number", "content_id", "recipient_number", unique=True),
        Index(
            "ix_message_content_id_accepted_at_id",
            "content_id",
            "accepted_at",
            "id",
            postgresql_where=text("accepted_at IS NOT NULL"),
        ),
        Index("ix_message_contact_id_id", "contact_id", "id"),
        Index("ix_message_org_id_state_id", "org_id", "state", "id"),
        Index("ix_message_org_id_reason_id", "org_id", "reason", "id", postgresql_where=text("reason IS NOT NULL")),
        Index("ix_message_org_id_report_id", "org_id", "report", "id", postgresql_where=text(LISTED_REPORT)),
        Index("ix_message_campaign_id_state_id", "campaign_id", "state", "id", postgresql_where=text("campaign_id IS NOT NULL")),
        Index("ix_message_sequence_id_state_id", "sequence_id", "state", "id", postgresql_where=text("sequence_id IS NOT NULL")),
        Index("ix_message_unfinished", "campaign_id", "contact_id", postgresql_where=text(UNFINISHED)),
        Index("ix_message_channel_id_provider_id", "channel_id", "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
        Index("ix_message_waits_for_channel", "channel_id", postgresql_where=text("state = 'planned'")),
        Index("ix_message_failed_by_channel", "channel_id", "id", postgresql_where=text("state = 'failed'")),
        Index("ix_message_state_sending_at", "state", "sending_at", postgresql_where=text(UNFINISHED)),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    contact_id: UUID = Field(foreign_key="contact.id")
    channel_id: UUID = Field(foreign_key="channel.id")
    content_id: int = Field(foreign_key="content.id")
    recipient_number: int
    campaign_id: UUID | None = Field(default=None, description="Set for a campaign's own message, not for its follow-ups.")
    sequence_id: UUID | None = None
    enrollment_id: UUID | None = None
    step_key: str | None = None
    step_run: int | None = None
    firing_id: UUID | None = Field(default=None, description="Set for the message of a trigger's action `send`.")
    action_position: int | None = None
    message_kind: MessageKind = Field(
        default=MessageKind.MARKETING, sa_type=String, sa_column_kwargs={"server_default": "marketing"}
    )
    state: MessageState = Field(default=MessageState.PLANNED, sa_type=String)
    reason: str | None = None
    tracked: bool = False
    to_address: str | None = None
    subject: str | None = None
    body: str | None = None
    html: str | None = None
    unsubscribe_url: str | None = None
    provider_id: str | None = None
    units: int | None = None
    report: str | None = None
    report_code: str | None = None
    reported_at: datetime | None = Field(default=None, sa_type=Timestamp)
    late_after: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    sending_at: datetime | None = Field(default=None, sa_type=Timestamp)
    refused_at: datetime | None = Field(default=None, sa_type=Timestamp, description="Its first refusal for now.")
    accepted_at: datetime | None = Field(default=None, sa_type=Timestamp)
    facts: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))


@dataclass(frozen=True)
class MessageFilter:
    """Each condition that is None lets everything through. `campaign_id` finds the campaign's own messages, not those of its
    follow-ups. `report` is one of those in `LISTED_REPORT`."""

    contact_id: UUID | None = None
    campaign_id: UUID | None = None
    sequence_id: UUID | None = None
    enrollment_id: UUID | None = None
    firing_id: UUID | None = None
    state: MessageState | None = None
    reason: str | None = None
    report: str | None = None


async def get_message(session: AsyncSession, org_id: UUID, message_id: UUID) -> Message:
    return require_owned(await session.get(Message, message_id), org_id, "message")


# A reason, a report, a contact, an enrollment and a firing have indexes of their own, in which all states stand together. The
# reason and the report are ranges of one for the same cause as the state in `newest_of_each`.
PAGE_OF_ALL_STATES = """
SELECT {read} FROM message
WHERE state = ANY(CAST(:states AS text[])) {conditions} ORDER BY {order} DESC LIMIT {rows}
"""
TEXTS = {"body", "html"}
CONDITIONS = {
    "contact_id": "AND contact_id = :contact_id",
    "campaign_id": "AND campaign_id = :campaign_id",
    "sequence_id": "AND sequence_id = :sequence_id",
    "enrollment_id": "AND enrollment_id = :enrollment_id AND campaign_id IS NULL",
    "firing_id": "AND firing_id = :firing_id",
    "reason": "AND reason BETWEEN :reason AND :reason",
    "report": f"AND {LISTED_REPORT} AND report BETWEEN :report AND :report",
}


async def list_messages(
    session: AsyncSession, org_id: UUID, wanted: MessageFilter, page: PageRequest
) -> tuple[list[Message], UUID | None]:
    """Returns a page, newest first, and the id after which the next page begins, which is None on the last page. The rows have no
    texts."""
    given = {name: value for name, value in vars(wanted).items() if value is not None}
    conditions = " ".join(["AND org_id = :org_id", *(CONDITIONS[name] for name in given if name in CONDITIONS)])
    values = {**given, "org_id": org_id}
    states = [wanted.state] if wanted.state else list(MessageState)
    if not given.keys() & {"reason", "report", "contact_id", "enrollment_id", "firing_id"}:
        return await newest_of_each(session, Message, {"state": states}, conditions, values, page, TEXTS)
    if page.after is not None:
        conditions, values = f"{conditions} AND id < :after", {**values, "after": page.after}
    order = "reason DESC, id" if wanted.reason else "report DESC, id" if wanted.report else "id"
    statement = PAGE_OF_ALL_STATES.format(
        read=columns_of(Message, TEXTS), conditions=conditions, order=order, rows=page.limit + 1
    )
    found = select(Message).from_statement(text(statement))
    return cut_page(list(await session.scalars(found, {**values, "states": states})), page)
