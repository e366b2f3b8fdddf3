"""A campaign's message as one contact would get it, without sending anything."""

import functools
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from activities.compose import Texts, UnusableText, checked, contact_fields
from api.campaign_models import Preview
from api.compile_content import compile_message, field_error, refuse
from api.launch import utm_of
from models.campaign import Campaign
from models.channel import Medium, get_channel
from models.contact import Contact
from models.errors import FieldError, Invalid
from models.organization import Organization
from models.steps import MessageTemplate
from settings import Settings
from tracking.destination import DestinationError
from tracking.links import Link
from tracking.merge import has_fields, render_destination
from tracking.segments import count_segments
from tracking.spelling import AsWritten
from tracking.template import TemplateError, render
from tracking.token import TOKEN_LENGTH

PLACEHOLDER = "x" * TOKEN_LENGTH


async def preview(
    session: AsyncSession, settings: Settings, organization: Organization, campaign: Campaign, contact_id: UUID | None
) -> Preview:
    """Invalid when the message cannot be compiled, or not be filled in for this contact."""
    compiled, errors = compile_message(
        MessageTemplate.model_validate(campaign.message), "message", utm_of(campaign), campaign.utm_overwrite
    )
    refuse(errors, "There is nothing to preview")
    channel = await get_channel(session, organization.id, campaign.channel_id)
    assert compiled is not None  # noqa: S101 - without a compiled message there were errors
    contact = contact_fields(await _contact(session, organization.id, contact_id))
    shown_as = {**contact, "id": contact_id}
    tracked = organization.link_tracking and campaign.link_tracking is not False
    domain = (campaign.link_domain or organization.link_domain or settings.effective_link_domain).rstrip("/")
    try:
        addresses = [
            _address(link, contact, organization, f"{domain}/{PLACEHOLDER}" if tracked else None) for link in compiled.links
        ]
        fill_in = functools.partial(render, contact=contact, organization={"name": organization.name}, tracked_links=addresses)
        texts = Texts(
            subject=fill_in(compiled.subject) if compiled.subject is not None else None,
            body=fill_in(compiled.body),
            html=fill_in(compiled.html, html=True) if compiled.html is not None else None,
        )
        subject, body, html = checked(texts)
    except TemplateError as error:
        refuse([field_error("message.body", error)], "The message cannot be filled in for this contact")
        raise
    except (DestinationError, UnusableText) as error:
        refuse([FieldError("message.body", str(error))], "The message cannot be filled in for this contact")
        raise
    sms = count_segments(body)._asdict() if channel.medium == Medium.SMS else None
    return Preview.model_validate(
        {
            "contact": shown_as,
            "subject": subject,
            "body": body,
            "html": html,
            "tracked": tracked,
            "characters": len(body),
            "sms": sms,
        }
    )


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
    contact = await session.get(Contact, contact_id)
    if contact is None or contact.org_id != org_id:
        raise Invalid.field("contact_id", f"There is no contact {contact_id}.")
    return contact


def _address(link: Link, contact: dict[str, Any], organization: Organization, tracked: str | None) -> str:
    if tracked is not None:
        return tracked
    if link.merge and has_fields(link.written):
        return AsWritten(render_destination(link.written, contact=contact, organization={"name": organization.name}))
    return AsWritten(link.written)
