"""Shows a campaign's message as one contact would get it, without sending anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.campaigns.campaign import Campaign
from models.channels.channel import Medium, get_channel
from models.contacts.contact import Contact
from models.errors import FieldError, Invalid
from models.messages.message import must_offer_unsubscribe
from models.organizations.cascade import is_tracked, link_domain_of
from models.organizations.organization import Organization
from models.organizations.owned import owned
from models.sequences.steps.message import MessageTemplate
from services.composing.compose import contact_fields
from services.composing.rendering import Reader
from services.contents.compile_content import refuse
from services.contents.fill_in import FillIn
from services.contents.unsubscribe_errors import unsubscribe_errors
from services.judging.judge import Judge
from services.judging.judged_texts import compiled_message, filled_in
from services.launch import utm_of
from services.link_domains.server_hosts import addresses_in, own_address_errors
from settings import Settings
from tracking.links.segments import Segments, count_segments
from tracking.tokens.token import TOKEN_LENGTH
from tracking.tokens.unsubscribe import unsubscribe_address

PLACEHOLDER = "x" * TOKEN_LENGTH


@dataclass(frozen=True)
class Preview:
    """`contact` is whose fields were filled in; its `id` is None for the invented contact. `html` is the HTML part of an e-mail.
    `characters` counts those of `body`. `sms` are the segments of a text message, with tracked addresses at their real length.
    `faults` are what would refuse its launch, although it can be shown."""

    contact: dict[str, Any]
    subject: str | None
    body: str
    html: str | None
    tracked: bool
    characters: int
    sms: Segments | None
    faults: Sequence[FieldError]


async def preview(
    session: AsyncSession,
    judge: Judge,
    settings: Settings,
    organization: Organization,
    campaign: Campaign,
    contact_id: UUID | None,
) -> Preview:
    """Raises Invalid when the message cannot be compiled, or cannot be filled in for this contact."""
    message = MessageTemplate.model_validate(campaign.message)
    compiled, errors = await compiled_message(
        judge, organization.id, message, "message", utm_of(campaign), campaign.utm_overwrite
    )
    if compiled is not None:
        errors = [
            *errors,
            *await own_address_errors(session, settings, addresses_in(message, compiled.links, "message")),
        ]
    refuse(errors, "There is nothing to preview")
    channel = await get_channel(session, organization.id, campaign.channel_id)
    assert compiled is not None  # noqa: S101 - without a compiled message there were errors
    contact = contact_fields(await _contact(session, organization.id, contact_id))
    shown_as = {**contact, "id": contact_id}
    tracked = is_tracked(organization, campaign.link_tracking)
    domain = link_domain_of(organization, campaign.link_domain, settings.effective_link_domain)
    must_see = must_offer_unsubscribe(channel.medium, message.kind)
    reader = Reader(contact, organization.name, {}, unsubscribe_address(domain, PLACEHOLDER), must_see)
    wanted = FillIn(compiled, reader, f"{domain}/{PLACEHOLDER}" if tracked else None)
    texts = await filled_in(judge, organization.id, wanted)
    if isinstance(texts, FieldError):
        raise Invalid(f"The message cannot be filled in for this contact: {texts.field}: {texts.message}", [texts])
    subject, body, html = texts
    sms = count_segments(body) if channel.medium == Medium.SMS else None
    return Preview(shown_as, subject, body, html, tracked, len(body), sms, [*unsubscribe_errors(message, channel, "message")])


async def _contact(session: AsyncSession, org_id: UUID, contact_id: UUID | None) -> Contact:
    if contact_id is None:
        return Contact(
            org_id=org_id,
            first_name="Ada",
            last_name="Lovelace",
            email="ada@example.com",
            phone="+15555550123",
            external_id="ada",
        )
    contact = owned(await session.get(Contact, contact_id), org_id)
    if contact is None:
        raise Invalid.field("contact_id", f"There is no contact {contact_id}.")
    return contact
