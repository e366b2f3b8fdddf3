"""Launching a campaign: everything that would make it pointless is refused first, then its text is fixed for good."""

from collections.abc import Iterator

from sqlalchemy.ext.asyncio import AsyncSession

from api.compile_content import CompiledMessage, compile_message, medium_errors, refuse, store
from api.link_domain import link_domain_errors
from models.audience import count_recipients
from models.base import now
from models.campaign import Campaign, CampaignState
from models.channel import get_channel
from models.errors import Conflict, ConflictCode, FieldError
from models.organization import Organization
from models.sequence import SequenceState, get_sequence
from models.steps import MessageTemplate, Utm
from settings import Settings


async def launch(session: AsyncSession, settings: Settings, organization: Organization, campaign: Campaign) -> None:
    """The caller holds the campaign's lock. Conflict unless it is a draft; Invalid with every field that needs a change."""
    if campaign.state != CampaignState.DRAFT:
        raise Conflict(ConflictCode.CAMPAIGN_LAUNCHED, f"The campaign was launched already: it is {campaign.state}.")
    message = MessageTemplate.model_validate(campaign.message)
    channel = await get_channel(session, campaign.org_id, campaign.channel_id)
    compiled, errors = compile_message(message, "message", utm_of(campaign), campaign.utm_overwrite)
    errors += medium_errors(message, channel, "message")
    errors += await link_domain_errors(session, settings, organization.id, campaign.link_domain)
    errors += _trigger_errors(organization, campaign, compiled)
    if not await _follow_up_is_published(session, campaign):
        errors.append(FieldError("trigger.sequence_id", "The sequence is a draft: publish it first."))
    campaign.recipients = await count_recipients(session, campaign)
    if campaign.recipients == 0:
        errors.append(FieldError("audience", "Nobody would get the message: no contact has one of the tags or is named."))
    refuse(errors, "The campaign cannot be launched")
    assert compiled is not None  # noqa: S101 - without a compiled message there were errors
    campaign.content_id = await store(session, channel, compiled, _waking(campaign, compiled), campaign_id=campaign.id)
    campaign.state, campaign.launched_at = CampaignState.SENDING, now()
    campaign.tracking_until = campaign.launched_at + settings.campaign_tracking_window
    campaign.updated_at = campaign.launched_at


def utm_of(campaign: Campaign) -> Utm | None:
    return Utm.model_validate(campaign.utm) if campaign.utm is not None else None


async def _follow_up_is_published(session: AsyncSession, campaign: Campaign) -> bool:
    if campaign.trigger is None:
        return True
    sequence = await get_sequence(session, campaign.org_id, campaign.trigger["sequence_id"])
    return sequence.state == SequenceState.PUBLISHED


def _trigger_errors(organization: Organization, campaign: Campaign, compiled: CompiledMessage | None) -> Iterator[FieldError]:
    """A trigger that no click can ever fire."""
    if campaign.trigger is None:
        return
    if campaign.link_tracking is False:
        yield FieldError("link_tracking", "A trigger needs tracked links: switch link tracking on, or remove the trigger.")
    elif not organization.link_tracking:
        yield FieldError(
            "trigger",
            "Link tracking is off for the whole organization, so no click is seen: switch it on, or remove the trigger.",
        )
    if compiled is not None and not _waking(campaign, compiled):
        yield FieldError("trigger.link", _missing_link(campaign.trigger["link"], compiled))


def _missing_link(name: str | None, compiled: CompiledMessage) -> str:
    if name is None:
        return "A trigger needs a link in the message, and there is none."
    known = ", ".join(each for each in compiled.names if each) or "none"
    return f"The message contains no link named '{name}'; its named links: {known}."


def _waking(campaign: Campaign, compiled: CompiledMessage) -> list[int]:
    """Positions whose click starts the follow-up."""
    if campaign.trigger is None:
        return []
    wanted = campaign.trigger["link"]
    return [link.position for link in compiled.links if wanted in (None, link.name)]
