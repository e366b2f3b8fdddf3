"""What people wrote to channels, and the decision about texts that look like a refusal."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.handling.request import OrganizationDep, ServicesDep, SessionDep, after_commit, area
from api.http.paging import Page, PageDep
from models.inbound.inbound_message import (
    Decision,
    InboundFilter,
    InboundMeaning,
    InboundMessage,
    get_inbound,
    list_inbound,
)
from models.reports.known_ids import require_known
from models.texts.text import Text
from services.channels.pause import wake_campaigns
from services.inbound.decide import decide

router = area("inbound messages")

MEANING = "reply, stop, start, help, or perhaps_refusal: nothing is sent to the contact until somebody decides."


class InboundMessageView(BaseModel):
    """A message that somebody wrote to one of the channels."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    channel_id: UUID
    contact_id: UUID | None = Field(description="null: the sender is no contact.")
    message_id: UUID | None = Field(description="Our newest message to the sender, which it answers.")
    from_address: str | None = Field(examples=["+12025550123"])
    to_address: str | None
    body: str | None = Field(examples=["Stop, please"])
    meaning: InboundMeaning = Field(description=MEANING)
    answer: str | None = Field(description="The text with which a word such as STOP was confirmed.")
    decision: Decision | None = Field(description="What somebody decided about a perhaps_refusal; null: nobody has yet.")
    decided_at: datetime | None
    received_at: datetime


class DecisionRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"decision": "refusal"}]})

    decision: Decision = Field(description="refusal opts the contact out, as STOP does; no_refusal lets messages go on.")
    reason: Annotated[Text, Field(min_length=1, max_length=500)] | None = Field(
        None, description="Kept with the consent, for whoever asks later."
    )


def inbound_filter(
    contact_id: Annotated[UUID | None, Query()] = None,
    channel_id: Annotated[UUID | None, Query()] = None,
    meaning: Annotated[InboundMeaning | None, Query(description=MEANING)] = None,
    pending: Annotated[bool, Query(description="true: only those about which somebody has to decide.")] = False,
) -> InboundFilter:
    return InboundFilter(contact_id, channel_id, meaning, pending)


@router.get("/inbound-messages", summary="List inbound messages")
async def list_all(
    session: SessionDep, caller: OrganizationDep, page: PageDep, wanted: Annotated[InboundFilter, Depends(inbound_filter)]
) -> Page[InboundMessageView]:
    """What people wrote, newest first. With `pending`, the texts that look like a refusal and hold their senders' messages."""
    await require_known(session, caller.id, wanted)
    rows, after = await list_inbound(session, caller.id, wanted, page)
    return Page(items=[_view(row) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/inbound-messages/{inbound_message_id}", summary="Get an inbound message")
async def get_one(session: SessionDep, caller: OrganizationDep, inbound_message_id: UUID) -> InboundMessageView:
    """One message that somebody wrote."""
    return _view(await get_inbound(session, caller.id, inbound_message_id))


@router.post("/inbound-messages/{inbound_message_id}/decide", summary="Decide about a perhaps refusal")
async def decide_one(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    inbound_message_id: UUID,
    body: DecisionRequest,
) -> InboundMessageView:
    """Say whether the text was a refusal. Until then nothing is sent to the contact, and then it is at once what is not refused.
    409 when there is nothing to decide."""
    decided = await decide(session, caller, inbound_message_id, body.decision, body.reason)
    if decided.goes_on:
        after_commit(request, lambda: services.commands.deliver(decided.command_ids))
        after_commit(request, lambda: wake_campaigns(services.temporal, decided.campaign_ids))
        after_commit(request, lambda: services.starter.ring_sweeper("sends"))
    return _view(decided.message)


def _view(row: InboundMessage) -> InboundMessageView:
    return InboundMessageView.model_validate(row)
