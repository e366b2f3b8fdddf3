"""Launches a campaign: everything that would make it pointless is refused first, then its text is fixed for good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.campaigns.audience import count_recipients, definitions_now
from models.campaigns.campaign import Campaign, CampaignState, triggers_of
from models.channels.channel import Channel, channels_by_name, get_channel
from models.errors import Conflict, ConflictCode, FieldError
from models.organizations.limits import Limits
from models.organizations.organization import Organization
from models.organizations.quotas import take_contents
from models.sequences.steps.message import MessageTemplate, Utm
from models.start import after_grace
from models.triggers.placed import PlacedTrigger, placed, send_actions
from services.contents.compile_content import CompiledMessage, refuse
from services.contents.compile_sends import compile_sends, sent_address_errors
from services.contents.named_channel import named_channel_errors
from services.contents.store_content import medium_errors, store
from services.contents.unsubscribe_errors import unsubscribe_errors
from services.judging.judge import Judge
from services.judging.judged_texts import compiled_message
from services.link_domains.server_hosts import addresses_in, own_address_errors
from services.link_domains.usable_link_domains import link_domain_errors
from services.segments.check import unknown_segments
from services.triggers.check_published import Heard, published_trigger_errors
from services.triggers.check_unengaged import unengaged_errors
from services.triggers.store_triggers import StoredMessage, TriggerOwner, store_triggers
from settings import Settings

NOBODY = FieldError(
    "audience", "Nobody would get the message: no contact that is not excluded has a tag, is in a segment or is named."
)


@dataclass(frozen=True)
class Checked:
    """A campaign as it would be launched, and `errors`: everything that would refuse the launch, apart from what is wrong with
    its audience."""

    channel: Channel
    channels: Mapping[str, Channel]
    triggers: Sequence[PlacedTrigger]
    compiled: CompiledMessage | None
    to_send: Mapping[str, CompiledMessage]
    errors: Sequence[FieldError]


async def check_launch(
    session: AsyncSession, settings: Settings, judge: Judge, organization: Organization, campaign: Campaign
) -> Checked:
    """Looks at everything but the people of the audience, and changes nothing."""
    message = MessageTemplate.model_validate(campaign.message)
    channel = await get_channel(session, campaign.org_id, campaign.channel_id)
    triggers = placed(triggers_of(campaign))
    sends = send_actions(triggers)
    channels = await channels_by_name(session, organization.id)
    utm, overwrite = utm_of(campaign), campaign.utm_overwrite
    compiled, errors = await compiled_message(judge, organization.id, message, "message", utm, overwrite)
    to_send, wrong = await compile_sends(judge, organization.id, sends, channels, utm, overwrite)
    errors = [*errors, *wrong, *medium_errors(message, channel, "message"), *unsubscribe_errors(message, channel, "message")]
    errors += named_channel_errors(channels, channel.name, "channel")
    errors += await link_domain_errors(session, settings, organization.id, campaign.link_domain)
    if compiled is not None:
        errors += await own_address_errors(session, settings, addresses_in(message, compiled.links, "message"))
    errors += await sent_address_errors(session, settings, sends, to_send)
    heard = Heard("campaign", campaign.link_tracking, {0: compiled.names if compiled else None})
    errors += await published_trigger_errors(session, organization, triggers, heard)
    errors += await unengaged_errors(session, campaign, triggers)
    errors += await unknown_segments(session, organization.id, campaign.audience)
    return Checked(channel, channels, triggers, compiled, to_send, errors)


async def launch(session: AsyncSession, settings: Settings, judge: Judge, organization: Organization, campaign: Campaign) -> None:
    """The caller holds the campaign's lock. Raises Conflict unless it is a draft, and Invalid with every field that needs a
    change."""
    if campaign.state != CampaignState.DRAFT:
        raise Conflict(ConflictCode.CAMPAIGN_LAUNCHED, f"The campaign was launched already: it is {campaign.state}.")
    checked = await check_launch(session, settings, judge, organization, campaign)
    campaign.segments = await definitions_now(session, organization.id, campaign.audience)
    campaign.recipients = await count_recipients(session, campaign)
    nobody = [] if campaign.recipients else [NOBODY]
    refuse([*checked.errors, *nobody], "The campaign cannot be launched")
    compiled, to_send = checked.compiled, checked.to_send
    assert compiled is not None  # noqa: S101 - without a compiled message there were errors
    await take_contents(session, organization.id, 1 + len(to_send), Limits.of(settings, organization.limits))
    campaign.content_id = await store(session, checked.channel, compiled, (), campaign_id=campaign.id)
    owner, stored = TriggerOwner(organization.id, campaign.id), StoredMessage(campaign.content_id, compiled)
    await store_triggers(session, owner, checked.triggers, [stored], to_send, checked.channels)
    campaign.state, campaign.launched_at, campaign.start_due_at = CampaignState.SENDING, now(), after_grace()
    campaign.tracking_until = campaign.launched_at + settings.campaign_tracking_window
    campaign.updated_at = campaign.launched_at


def utm_of(campaign: Campaign) -> Utm | None:
    return Utm.model_validate(campaign.utm) if campaign.utm is not None else None
