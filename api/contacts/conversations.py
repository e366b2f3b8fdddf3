"""A contact's conversation: messages, clicks, replies, steps, consent and what triggers did, in one timeline."""

import struct
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, assert_never
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from api.contacts.consent_items import ConsentItem, InboundItem, consent_item, inbound_item
from api.contacts.step_sentences import step_sentence
from api.contacts.trigger_items import TriggerItem, TriggerRefusalItem, refusal_item, trigger_item
from api.handling.request import OrganizationDep, SessionDep, area
from api.http.paging import Listing, ListingDep, Page, no_cursor
from api.reports.clicks import ClickAbout, about_click
from api.triggers.sent_by import SentByTrigger
from models.messages.report import ReportKind
from models.reports.consent_entries import ConsentEntry, InboundEntry
from models.reports.conversation import ClickEntry, Entry, MessageEntry, Order, StepEntry, TimelinePosition, read_conversation
from models.reports.trigger_entries import FiringEntry, RefusalEntry
from models.sequences.enrollment import CauseKind
from models.sequences.event import EventKind

router = area("conversations")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CURSOR = struct.Struct(">q16s")  # microseconds since 1970, and the id

StepEvent = Literal["enrolled", "entered", "left", "ended"]
STEP_EVENTS: dict[str, StepEvent] = {
    EventKind.ENROLLED: "enrolled",
    EventKind.STEP_ENTERED: "entered",
    EventKind.STEP_LEFT: "left",
    EventKind.ENDED: "ended",
}


class MessageItem(SentByTrigger):
    """A message to the contact, as it was sent. `at` is when it was planned."""

    kind: Literal["message"] = "message"
    id: UUID
    at: datetime
    state: str = Field(description="planned, sending, accepted, failed, unknown or skipped.", examples=["accepted"])
    reason: str | None = Field(description="Why it was skipped, failed or is unknown.", examples=["no_phone"])
    channel: str = Field(examples=["simulator-sms"])
    subject: str | None
    body: str | None = Field(description="The text with its links; null: it never became a text.")
    tracked: bool
    accepted_at: datetime | None
    report: ReportKind | None = Field(description="The highest of what the provider has reported since.", examples=["delivered"])
    report_code: str | None = Field(description="The provider's own code.", examples=["5.1.1"])
    reported_at: datetime | None
    campaign_id: UUID | None
    sequence_id: UUID | None
    enrollment_id: UUID | None
    step_key: str | None


class ClickItem(ClickAbout, SentByTrigger):
    """A click of the contact, machines included: see `verdict`. On a message of a trigger, it says which one."""

    kind: Literal["click"] = "click"
    id: UUID
    at: datetime


class StepItem(BaseModel):
    """One step on the contact's way through a sequence."""

    kind: Literal["step"] = "step"
    id: UUID
    at: datetime
    event: StepEvent
    summary: str = Field(examples=["'Welcome', step 'wait': the contact clicked"])
    enrollment_id: UUID
    sequence_id: UUID
    sequence: str = Field(description="Name of the sequence.", examples=["Welcome"])
    campaign_id: UUID | None = Field(description="On `enrolled`: the campaign whose trigger enrolled the contact.")
    cause: CauseKind | None = Field(description="On `enrolled`: what enrolled the contact.")
    cause_id: UUID | None = Field(description="The firing of the trigger, or the enrollment whose step enrolled the contact.")
    step_key: str | None = Field(examples=["wait_for_offer"])
    outcome: str | None = Field(
        description="How the step was left (sent, waited, clicked, timed_out, …) or the sequence ended.",
        examples=["clicked"],
    )
    branch: str | None = Field(description="Key of the step that came next.", examples=["thanks"])
    due_at: datetime | None = Field(description="On `entered`: until when the step waits.")


AnyItem = MessageItem | ClickItem | StepItem | TriggerItem | TriggerRefusalItem | ConsentItem | InboundItem
Item = Annotated[AnyItem, Field(discriminator="kind")]


class ConversationPage(Page[Item]):
    """A part of one contact's timeline."""


@router.get("/contacts/{contact_id}/conversation", summary="Read a contact's conversation")
async def get_one(
    contact_id: UUID,
    session: SessionDep,
    caller: OrganizationDep,
    listing: ListingDep,
    order: Annotated[Order, Query(description="Which end of the timeline comes first.")] = "newest",
    limit: Annotated[int, Query(ge=1, le=500, description="Entries in a page.")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before, with the same `order`.")] = None,
) -> ConversationPage:
    """Messages, clicks, replies, steps, consent, and what triggers did or why they did not, of one contact in the order of
    time."""
    entries, after = await read_conversation(session, caller.id, contact_id, order, decode_position(listing, cursor), limit)
    return ConversationPage(items=[_item(entry) for entry in entries], next_cursor=encode_position(listing, after))


def encode_position(listing: Listing, position: TimelinePosition | None) -> str | None:
    return listing.cursor(CURSOR.pack((position.at - EPOCH) // MICROSECOND, position.id.bytes)) if position else None


def decode_position(listing: Listing, cursor: str | None) -> TimelinePosition | None:
    if cursor is None:
        return None
    microseconds, id_bytes = CURSOR.unpack(listing.position(cursor, CURSOR.size))
    try:
        return TimelinePosition(EPOCH + microseconds * MICROSECOND, UUID(bytes=id_bytes))
    except OverflowError:
        raise no_cursor() from None


def _item(entry: Entry) -> AnyItem:
    match entry:
        case MessageEntry():
            message = {**vars(entry.message), **entry.sent_by._asdict()}
            return MessageItem.model_validate({**message, "at": entry.at, "channel": entry.channel})
        case ClickEntry():
            return ClickItem.model_validate({**about_click(entry.click), **entry.sent_by._asdict(), "at": entry.at})
        case StepEntry():
            return _step(entry)
        case FiringEntry():
            return trigger_item(entry)
        case RefusalEntry():
            return refusal_item(entry)
        case ConsentEntry():
            return consent_item(entry)
        case InboundEntry():
            return inbound_item(entry)
        case _:
            assert_never(entry)


def _step(entry: StepEntry) -> StepItem:
    event, detail = entry.event, entry.event.detail
    outcome = detail.get("outcome") or detail.get("reason")
    due_at = datetime.fromisoformat(detail["due_at"]) if detail.get("due_at") else None
    return StepItem(
        summary=step_sentence(event.kind, entry.sequence, event.step_key, outcome, due_at, entry.other_sequence, entry.item),
        id=event.id,
        at=event.at,
        event=STEP_EVENTS[event.kind],
        enrollment_id=event.enrollment_id,
        sequence_id=event.sequence_id,
        sequence=entry.sequence,
        campaign_id=detail.get("campaign_id"),
        cause=detail.get("cause", CauseKind.REQUEST) if event.kind == EventKind.ENROLLED else None,
        cause_id=detail.get("cause_id"),
        step_key=event.step_key,
        outcome=outcome,
        branch=detail.get("to"),
        due_at=due_at,
    )
