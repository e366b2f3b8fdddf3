"""Messages: what was sent to whom, what was left out and why, and the links as the contact has them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.http.paging import Page, PageDep
from api.messages.links import MessageLink, codec_of, sent_urls
from api.triggers.sent_by import SentByTrigger
from models.messages.content import LoadedContent, load_content, personal_urls
from models.messages.message import Message, MessageFilter, MessageState, get_message, list_messages
from models.messages.report import ReportKind, message_reports
from models.reports.known_ids import require_known
from models.reports.sent_by import NO_TRIGGER, sent_by
from models.texts.text import Text
from tracking.tokens.token import TokenCodec

router = area("messages")

ListedReport = Literal["failed", "bounced", "replied", "complained"]


class MessageSummary(BaseModel):
    """`state` accepted: the channel took it. skipped and failed have a `reason`. `report` is the highest of what the provider
    has reported since, by the order of its values, whatever the order in which the reports came."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    contact_id: UUID
    campaign_id: UUID | None
    sequence_id: UUID | None
    enrollment_id: UUID | None
    firing_id: UUID | None = Field(description="Set for the message that a trigger has sent.")
    step_key: str | None
    channel_id: UUID
    state: MessageState = Field(examples=["skipped"])
    reason: str | None = Field(examples=["no_phone"])
    to_address: str | None = Field(examples=["+15555550123"])
    tracked: bool = Field(description="False: link tracking was off, the links went out unchanged.")
    created_at: datetime
    accepted_at: datetime | None
    provider_id: str | None = Field(
        description="The provider's own name for the message, to ask it about. Null until it has taken the message.",
        examples=["SM0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"],
    )
    report: ReportKind | None = Field(examples=["bounced"])
    report_code: str | None = Field(description="The provider's own code.", examples=["5.1.1"])
    reported_at: datetime | None = Field(description="When it happened, as the provider says.")


class MessageReportView(BaseModel):
    """One thing that the provider has told us about the message."""

    model_config = ConfigDict(from_attributes=True)

    kind: ReportKind
    code: str | None = Field(examples=["5.1.1"])
    detail: str | None = Field(examples=["The mailbox does not exist."])
    reported_at: datetime
    received_at: datetime


class MessageDetail(MessageSummary, SentByTrigger):
    """With the text as the contact has it. `links` are those that stand in it."""

    subject: str | None
    body: str | None = Field(description="Null when nothing was written, because there was no address to send to.")
    html: str | None = Field(description="The HTML part of an e-mail.")
    unsubscribe_url: str | None = Field(
        description="Where the recipient unsubscribes.", examples=["http://127.0.0.1:8001/unsubscribe/4jQ0ZbX81mKeuC"]
    )
    links: list[MessageLink]
    reports: list[MessageReportView] = Field(description="In the order of their times, at most the last 100.")


def message_filter(
    contact_id: UUID | None = None,
    campaign_id: Annotated[UUID | None, Query(description="The campaign's own messages, not those of its follow-ups.")] = None,
    sequence_id: UUID | None = None,
    enrollment_id: UUID | None = None,
    firing_id: Annotated[UUID | None, Query(description="What one occurrence of a trigger has sent.")] = None,
    state: MessageState | None = None,
    reason: Annotated[Text | None, Query(description="Exactly this reason.", examples=["no_phone"])] = None,
    report: Annotated[
        ListedReport | None, Query(description="Messages whose highest report this is.", examples=["bounced"])
    ] = None,
) -> MessageFilter:
    return MessageFilter(contact_id, campaign_id, sequence_id, enrollment_id, firing_id, state, reason, report)


@router.get("/messages", summary="List messages")
async def list_all(
    session: SessionDep, caller: OrganizationDep, page: PageDep, wanted: Annotated[MessageFilter, Depends(message_filter)]
) -> Page[MessageSummary]:
    """Messages, newest first."""
    await require_known(session, caller.id, wanted)
    return await message_page(session, caller.id, wanted, page)


@router.get("/messages/{message_id}", summary="Get a message")
async def get_one(session: SessionDep, caller: OrganizationDep, services: ServicesDep, message_id: UUID) -> MessageDetail:
    """One message with its text and its links as the contact got them."""
    message = await get_message(session, caller.id, message_id)
    content = await load_content(session, message.content_id)
    personal = await personal_urls(session, message.content_id, message.recipient_number)
    links = _links(message, content, personal, codec_of(services.settings))
    summary = MessageSummary.model_validate(message)
    parts = {"subject": message.subject, "body": message.body, "html": message.html, "unsubscribe_url": message.unsubscribe_url}
    sent = (await sent_by(session, [message.id] if message.firing_id else [])).get(message.id, NO_TRIGGER)
    reports = [MessageReportView.model_validate(each) for each in await message_reports(session, message.id)]
    return MessageDetail(**{**summary.model_dump(), **sent._asdict()}, **parts, links=links, reports=reports)


async def message_page(session: AsyncSession, org_id: UUID, wanted: MessageFilter, page: PageDep) -> Page[MessageSummary]:
    rows, after = await list_messages(session, org_id, wanted, page)
    return Page(items=[MessageSummary.model_validate(row) for row in rows], next_cursor=page.next_cursor(after))


def _links(message: Message, content: LoadedContent, personal: dict[int, str], codec: TokenCodec) -> list[MessageLink]:
    written = [(link.position, link.written or link.url) for link in content.links]
    by_position = {link.position: link for link in content.links}
    return [
        MessageLink(
            id=by_position[position].id,
            name=by_position[position].name,
            position=position,
            url=url,
            destination=personal.get(position, by_position[position].url),
        )
        for position, url in sent_urls(message, written, codec).items()
        if position in by_position
    ]
