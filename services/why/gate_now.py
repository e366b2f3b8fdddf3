"""The facts of the gate as they are now, for somebody who asks and claims nothing: nothing is locked, and pace is not asked."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.campaigns.campaign import Campaign, CampaignState
from models.channels.channel import Channel
from models.consent import obstacles
from models.contacts.contact import Contact
from models.messages.budget import messages_of_day
from models.messages.content import Content
from models.messages.message import Message, MessageKind
from models.organizations.limits import Limits
from models.organizations.organization import Organization
from models.sequences.enrollment import Enrollment
from services.composing.compose import address_of
from services.gate import Facts


async def facts_of_message(session: AsyncSession, message: Message) -> Facts:
    """The facts of a message that there is already, so the contact's budget does not count."""
    contact = await session.get_one(Contact, message.contact_id)
    content = await session.get_one(Content, message.content_id)
    campaign = await session.get(Campaign, message.campaign_id) if message.campaign_id else None
    enrollment = await session.get(Enrollment, message.enrollment_id) if message.enrollment_id else None
    facts = await facts_now(session, content, contact, campaign, enrollment, message.to_address)
    return Facts(**{**vars(facts), "late_after": message.late_after})


async def facts_now(
    session: AsyncSession,
    content: Content,
    contact: Contact,
    campaign: Campaign | None = None,
    enrollment: Enrollment | None = None,
    to_address: str | None = None,
    limits: Limits | None = None,
) -> Facts:
    """With `limits`, which are the organization's, the contact's messages of the day count, as they do for a message that does
    not exist yet."""
    channel = await session.get_one(Channel, content.channel_id)
    organization = await session.get_one(Organization, content.org_id)
    people: dict[UUID, str | None] = {contact.id: to_address or address_of(contact, channel.medium)}
    found = await obstacles.read(session, channel, content.message_kind, people)
    due_at = campaign.launched_at if campaign is not None else None
    of_day = await messages_of_day(session, [contact.id]) if limits is not None else {}
    is_marketing = content.message_kind == MessageKind.MARKETING
    return Facts(
        now=now(),
        over=(campaign is not None and campaign.state != CampaignState.SENDING)
        or (enrollment is not None and enrollment.finished_at is not None),
        stopped=enrollment is not None and enrollment.stop_requested_at is not None,
        obstacles=found[contact.id],
        needs_consent=is_marketing and channel.medium in organization.consent_required,
        late_after=content.late_after(due_at) if due_at is not None else None,
        messages_of_day=of_day.get(contact.id, 0),
        budget=limits.messages_per_contact_and_day if limits is not None else None,
    )
