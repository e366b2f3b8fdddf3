"""A contact's conversation: messages, clicks, replies, steps, consent and what triggers did, in one timeline."""

import struct
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, assert_never
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.contacts.click_sentences import click_sentence, reason_in_words
from api.contacts.consent_items import (
    ConsentItem,
    InboundItem,
    SuppressionItem,
    consent_item,
    inbound_item,
    suppression_item,
)
from api.contacts.step_sentences import step_sentence
from api.contacts.trigger_items import TriggerItem, TriggerRefusalItem, refusal_item, trigger_item
from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.http.paging import Listing, ListingDep, Page, no_cursor
from api.messages.links import MessageLink, codec_of, sent_urls
from api.reports.clicks import ClickAbout, about_click
from api.triggers.sent_by import SentByTrigger
from models.channels.channel import Medium
from models.clicks.verdict import Verdict
from models.conversation.consent_entries import ConsentEntry, InboundEntry, SuppressionEntry
from models.conversation.conversation import Entry, read_conversation
from models.conversation.message_entries import ClickEntry, MessageEntry
from models.conversation.step_entries import StepEntry
from models.conversation.timeline import ConversationFilter, EntryKind, Order, TimelinePosition
from models.conversation.trigger_entries import FiringEntry, RefusalEntry
from models.errors import Invalid
from models.messages.report import ReportKind
from models.sequences.enrollment import CauseKind
from models.sequences.event import EventKind
from models.texts.moment import Moment
from tracking.tokens.token import TokenCodec

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


class LinkInMessage(MessageLink):
    """A link as the contact has it, with the contact's own clicks on it, as far as they are kept."""

    clicks: int = Field(description="Clicks of people.")
    machine_clicks: int = Field(description="All other clicks.")


class ReportOfMessage(BaseModel):
    """What the provider told us of the message."""

    model_config = ConfigDict(from_attributes=True)

    kind: ReportKind
    code: str | None = Field(examples=["5.1.1"])
    reported_at: datetime
    received_at: datetime


class MessageItem(SentByTrigger):
    """A message to the contact, as it was sent. `at` is when it was planned."""

    kind: Literal["message"] = "message"
    id: UUID
    at: datetime
    state: str = Field(description="planned, sending, accepted, failed, unknown or skipped.", examples=["accepted"])
    reason: str | None = Field(description="Why it was skipped, failed or is unknown.", examples=["no_phone"])
    channel: str = Field(examples=["simulator-sms"])
    medium: Medium
    subject: str | None
    body: str | None = Field(description="The text with its links; null: it never became a text.")
    has_html: bool = Field(description="It has an HTML part, which `GET /v1/messages/{message_id}` shows.")
    links: list[LinkInMessage] = Field(description="Those that stand in the text.")
    tracked: bool
    sending_at: datetime | None = Field(description="When its channel was called last.")
    refused_at: datetime | None = Field(description="When its channel refused it for now for the first time.")
    accepted_at: datetime | None
    report: ReportKind | None = Field(description="The highest of what the provider has reported since.", examples=["delivered"])
    report_code: str | None = Field(description="The provider's own code.", examples=["5.1.1"])
    reported_at: datetime | None
    reports: list[ReportOfMessage] = Field(description="In the order of their times, at most the last 20.")
    campaign_id: UUID | None
    sequence_id: UUID | None
    enrollment_id: UUID | None
    step_key: str | None


class ClickItem(ClickAbout, SentByTrigger):
    """A click of the contact, machines included: see `verdict`. On a message of a trigger, it says which one."""

    kind: Literal["click"] = "click"
    id: UUID
    at: datetime
    summary: str = Field(examples=["clicked 'offer' in Berlin, DE, on a phone"])
    reason_in_words: str = Field(examples=["a browser that people use"])


class StepDecision(BaseModel):
    """What led away from the step: the message that it sent, the click that it waited for, or the end of its wait."""

    model_config = ConfigDict(from_attributes=True)

    message_id: UUID | None
    click_id: UUID | None
    clicked_at: datetime | None
    link: str | None = Field(description="Name of the clicked link.", examples=["offer"])
    due_at: datetime | None = Field(description="Until when it waited.")


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
    key_id: str | None = Field(description="On `enrolled` by a request: the API key that asked for it, where it is known.")
    step_key: str | None = Field(examples=["wait_for_offer"])
    outcome: str | None = Field(
        description="How the step was left (sent, waited, clicked, timed_out, …) or the sequence ended.",
        examples=["clicked"],
    )
    branch: str | None = Field(description="Key of the step that came next.", examples=["thanks"])
    due_at: datetime | None = Field(description="On `entered`: until when the step waits.")
    because: StepDecision | None = Field(description="On `left`: what it was left for.")


AnyItem = MessageItem | ClickItem | StepItem | TriggerItem | TriggerRefusalItem | ConsentItem | SuppressionItem | InboundItem
Item = Annotated[AnyItem, Field(discriminator="kind")]


class ConversationPage(Page[Item]):
    """A part of one contact's timeline."""


MOST_KINDS = len(EntryKind)


def conversation_filter(  # noqa: PLR0913, RUF100 - one argument for each query parameter
    kind: Annotated[
        list[EntryKind] | None, Query(max_length=MOST_KINDS, description="Only entries of these kinds; give it several times.")
    ] = None,
    since: Annotated[Moment | None, Query(description="Happened then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Happened before.")] = None,
    campaign_id: Annotated[
        UUID | None, Query(description="What the campaign led to, its triggers and follow-ups included.")
    ] = None,
    sequence_id: Annotated[UUID | None, Query(description="What the sequence led to, its triggers included.")] = None,
    enrollment_id: UUID | None = None,
    channel_id: Annotated[UUID | None, Query(description="What went or came by this channel, or covers it.")] = None,
    medium: Annotated[Medium | None, Query(description="What went or came by this medium, or covers it.")] = None,
    verdict: Annotated[Verdict | None, Query(description="Leaves out clicks with another verdict, and nothing else.")] = None,
) -> ConversationFilter:
    if since is not None and until is not None and until <= since:
        raise Invalid.field("until", "This is not after since, so nothing can lie between them.")
    return ConversationFilter(kind or (), since, until, campaign_id, sequence_id, enrollment_id, channel_id, medium, verdict)


@router.get("/contacts/{contact_id}/conversation", summary="Read a contact's conversation")
async def get_one(
    contact_id: UUID,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    listing: ListingDep,
    wanted: Annotated[ConversationFilter, Depends(conversation_filter)],
    order: Annotated[Order, Query(description="Which end of the timeline comes first.")] = "newest",
    limit: Annotated[int, Query(ge=1, le=500, description="Entries in a page.")] = 50,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the page before, with the same `order` and filters.")
    ] = None,
) -> ConversationPage:
    """Messages, clicks, replies, steps, consent, suppressed addresses, and what triggers did or why they did not, of one contact
    in the order of time."""
    position = decode_position(listing, cursor)
    entries, after = await read_conversation(session, caller.id, contact_id, order, wanted, position, limit)
    codec = codec_of(services.settings)
    return ConversationPage(items=[_item(entry, codec) for entry in entries], next_cursor=encode_position(listing, after))


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


def _item(entry: Entry, codec: TokenCodec) -> AnyItem:
    match entry:
        case MessageEntry():
            return _message(entry, codec)
        case ClickEntry():
            return _click(entry)
        case StepEntry():
            return _step(entry)
        case FiringEntry():
            return trigger_item(entry)
        case RefusalEntry():
            return refusal_item(entry)
        case ConsentEntry():
            return consent_item(entry)
        case SuppressionEntry():
            return suppression_item(entry)
        case InboundEntry():
            return inbound_item(entry)
        case _:
            assert_never(entry)


def _message(entry: MessageEntry, codec: TokenCodec) -> MessageItem:
    urls = sent_urls(entry.message, [(link.position, link.written) for link in entry.links], codec)
    links = [
        LinkInMessage.model_validate({**link._asdict(), "url": urls[link.position]})
        for link in entry.links
        if link.position in urls
    ]
    reports = [ReportOfMessage.model_validate(each) for each in entry.reports]
    about = {**vars(entry.message), **entry.sent_by._asdict(), "links": links, "reports": reports}
    about |= {"at": entry.at, "channel": entry.channel, "medium": entry.medium, "has_html": bool(entry.message.html)}
    return MessageItem.model_validate(about)


def _click(entry: ClickEntry) -> ClickItem:
    about = {**about_click(entry.click), **entry.sent_by._asdict(), "at": entry.at}
    words = {"summary": click_sentence(entry.click), "reason_in_words": reason_in_words(entry.click.reason)}
    return ClickItem.model_validate({**about, **words})


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
        key_id=detail.get("key_id"),
        step_key=event.step_key,
        outcome=outcome,
        branch=detail.get("to"),
        due_at=due_at,
        because=StepDecision.model_validate(entry.facts) if event.kind == EventKind.STEP_LEFT else None,
    )
