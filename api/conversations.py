"""A contact's conversation: messages, clicks and steps in one timeline."""

import struct
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, assert_never
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from api.clicks import ClickAbout, about_click
from api.paging import Listing, ListingDep, Page, no_cursor
from api.request import OrganizationDep, SessionDep, area
from models.conversation import ClickEntry, Entry, MessageEntry, Order, Place, StepEntry, read_conversation
from models.event import Event, EventKind

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


class MessageItem(BaseModel):
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
    campaign_id: UUID | None
    sequence_id: UUID | None
    enrollment_id: UUID | None
    step_key: str | None


class ClickItem(ClickAbout):
    """A click of the contact, machines included: see `verdict`."""

    kind: Literal["click"] = "click"
    id: UUID
    at: datetime


class StepItem(BaseModel):
    """The contact's way through a sequence."""

    kind: Literal["step"] = "step"
    id: UUID
    at: datetime
    event: StepEvent
    enrollment_id: UUID
    sequence_id: UUID
    sequence: str = Field(description="Name of the sequence.", examples=["Welcome"])
    campaign_id: UUID | None = Field(description="The campaign whose click enrolled the contact; on `enrolled` only.")
    step_key: str | None = Field(examples=["wait_for_offer"])
    outcome: str | None = Field(
        description="How the step was left (sent, waited, clicked, timed_out, …) or the sequence ended.", examples=["clicked"]
    )
    branch: str | None = Field(description="Key of the step that came next.", examples=["thanks"])
    due_at: datetime | None = Field(description="On `entered`: until when the step waits.")


Item = Annotated[MessageItem | ClickItem | StepItem, Field(discriminator="kind")]


@router.get("/contacts/{contact_id}/conversation")
async def get_conversation(
    contact_id: UUID,
    session: SessionDep,
    caller: OrganizationDep,
    listing: ListingDep,
    order: Annotated[Order, Query(description="Which end of the timeline comes first.")] = "newest",
    limit: Annotated[int, Query(ge=1, le=500, description="Entries in a page.")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before, with the same `order`.")] = None,
) -> Page[Item]:
    """Messages, clicks and steps of one contact in the order of time."""
    entries, after = await read_conversation(session, caller.id, contact_id, order, decode_place(listing, cursor), limit)
    return Page(items=[_item(entry) for entry in entries], next_cursor=encode_place(listing, after))


def encode_place(listing: Listing, place: Place | None) -> str | None:
    return listing.cursor(CURSOR.pack((place.at - EPOCH) // MICROSECOND, place.id.bytes)) if place else None


def decode_place(listing: Listing, cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    microseconds, id_bytes = CURSOR.unpack(listing.place(cursor, CURSOR.size))
    try:
        return Place(EPOCH + microseconds * MICROSECOND, UUID(bytes=id_bytes))
    except OverflowError:
        raise no_cursor() from None


def _item(entry: Entry) -> MessageItem | ClickItem | StepItem:
    match entry:
        case MessageEntry():
            return MessageItem.model_validate({**vars(entry.message), "at": entry.at, "channel": entry.channel})
        case ClickEntry():
            return ClickItem.model_validate({**about_click(entry.click), "at": entry.at})
        case StepEntry():
            return _step(entry.event, entry.sequence)
        case _:
            assert_never(entry)


def _step(event: Event, sequence: str) -> StepItem:
    detail = event.detail
    return StepItem(
        id=event.id,
        at=event.at,
        event=STEP_EVENTS[event.kind],
        enrollment_id=event.enrollment_id,
        sequence_id=event.sequence_id,
        sequence=sequence,
        campaign_id=detail.get("campaign_id"),
        step_key=event.step_key,
        outcome=detail.get("outcome"),
        branch=detail.get("to"),
        due_at=detail.get("due_at"),
    )
