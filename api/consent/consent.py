"""What contacts have said about getting messages."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from api.handling.request import Idempotent, OrganizationDep, ServicesDep, SessionDep, after_commit, area
from api.http.paging import Page, PageDep
from models.base import now
from models.channels.channel import Medium, get_channel
from models.consent.consent import ConsentSource, ConsentState, list_consents, newest_consent
from models.consent.current import current_answers
from models.consent.lock import lock_people
from models.contacts.contact import get_contact, refuse_erased
from models.errors import Invalid, NotFound
from models.messages.message import MessageKind
from models.texts.moment import Moment
from models.texts.text import Text
from services.consent.opt_out import Scope, record_consent

router = area("consent")

MOST_PROOFS = 20

MEDIUM = "sms or email; null: both."
CHANNEL = "Only this channel; null: all channels of the medium."
KIND = "marketing or transactional; null: both."


class ConsentView(BaseModel):
    """One answer of a contact. It covers messages of `medium`, of `channel_id` and of `message_kind`; null covers all."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    state: ConsentState
    medium: str | None = Field(description=MEDIUM, examples=["sms"])
    channel_id: UUID | None = Field(description=CHANNEL)
    message_kind: str | None = Field(description=KIND, examples=["marketing"])
    source: ConsentSource = Field(description="Who said it.")
    reason: str | None
    proof: dict[str, Any] = Field(description="What shows it, such as the id of the person's message.")
    given_at: datetime = Field(description="When the person said it. Of all that cover a message, the newest counts.")
    created_at: datetime


class CurrentConsent(BaseModel):
    """What counts now for messages of this medium and kind."""

    model_config = ConfigDict(from_attributes=True)

    medium: str = Field(examples=["sms"])
    channel_id: UUID | None = Field(description="null: every channel of the medium that has no entry of its own.")
    message_kind: str = Field(examples=["marketing"])
    state: ConsentState
    consent_id: UUID | None = Field(description="The answer that counts; null: the contact was never asked.")
    given_at: datetime | None


class ConsentPage(Page[ConsentView]):
    """The contact's answers, the newest first, and what counts now."""

    current: list[CurrentConsent]


class ConsentRecord(BaseModel):
    """An answer that the contact gave elsewhere, such as on a form or by telephone."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"state": "opted_in", "medium": "sms", "message_kind": "marketing", "reason": "Signed up at the shop in Bath"}
            ]
        },
    )

    state: ConsentState = Field(description="unknown takes an earlier answer back.")
    medium: Medium | None = Field(None, description=MEDIUM)
    channel_id: UUID | None = Field(None, description=CHANNEL)
    message_kind: MessageKind | None = Field(None, description=KIND)
    reason: Annotated[Text, Field(min_length=1, max_length=500, description="How you know, for whoever asks later.")]
    proof: dict[Text, Text] = Field(default_factory=dict, max_length=MOST_PROOFS, examples=[{"form": "newsletter-2026"}])
    given_at: Moment | None = Field(None, description="When the contact said it; null: now.")


@router.get("/contacts/{contact_id}/consent", summary="Get a contact's consent")
async def get_one(session: SessionDep, caller: OrganizationDep, contact_id: UUID, page: PageDep) -> ConsentPage:
    """What the contact has said about getting messages, and what counts now for each medium and kind of message."""
    await get_contact(session, caller.id, contact_id)
    rows, after = await list_consents(session, contact_id, page)
    return ConsentPage(
        items=[ConsentView.model_validate(row) for row in rows],
        next_cursor=page.next_cursor(after),
        current=[CurrentConsent.model_validate(each) for each in await current_answers(session, contact_id)],
    )


@router.post("/contacts/{contact_id}/consent", status_code=201, dependencies=[Idempotent], summary="Record a contact's consent")
async def record(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    contact_id: UUID,
    body: ConsentRecord,
) -> ConsentView:
    """Write down an answer. From then on no message is claimed that it forbids; an opt-out also ends the enrollments that it
    covers, unless their sequence says otherwise."""
    contact = await get_contact(session, caller.id, contact_id)
    await lock_people(session, caller.id, [contact_id])
    await session.refresh(contact)
    refuse_erased(contact)
    if body.given_at is not None and body.given_at > now():
        raise Invalid.field("given_at", "This is in the future: write when the contact said it, or leave it out for now.")
    scope = await _scope(session, caller.id, body)
    commands = await record_consent(
        session,
        caller.id,
        [contact_id],
        body.state,
        scope,
        ConsentSource.API,
        proof=dict(body.proof),
        given_at=body.given_at,
        reason=body.reason,
    )
    if commands:
        after_commit(request, lambda: services.commands.deliver(commands))
    return ConsentView.model_validate(await newest_consent(session, contact_id))


async def _scope(session: SessionDep, org_id: UUID, body: ConsentRecord) -> Scope:
    """A channel without a medium means the channel's. Raises Invalid when both are given and do not fit."""
    medium = body.medium
    if body.channel_id is not None:
        try:
            channel = await get_channel(session, org_id, body.channel_id)
        except NotFound:
            raise Invalid.field("channel_id", "There is no such channel: GET /v1/channels lists them.") from None
        if medium not in (None, channel.medium):
            raise Invalid.field("medium", f"The channel sends by {channel.medium}: write that, or leave the medium out.")
        medium = Medium(channel.medium)
    return Scope(medium, body.channel_id, body.message_kind)
