"""The messages that triggers send: what each of a text is made with, and the one message of each firing and action."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.campaigns.campaign import Campaign, CampaignState
from models.channels.channel import Channel
from models.contacts.contact import Contact
from models.messages.content import Content, load_content
from models.messages.ledger import SendFacts
from models.messages.message import Message
from models.organizations.cascade import is_tracked
from models.organizations.organization import Organization
from models.sequences.sequence import Sequence as SequenceTable
from models.triggers.published import PublishedTrigger


async def trigger_facts(session: AsyncSession, trigger: PublishedTrigger, position: int) -> SendFacts:
    """Link tracking and the link domain are those that the campaign or the sequence of the trigger has now."""
    content_id = await session.scalar(
        select(col(Content.id)).where(col(Content.trigger_id) == trigger.id, col(Content.action_position) == position)
    )
    loaded = await load_content(session, content_id or 0)
    organization = await session.get_one(Organization, trigger.org_id)
    channel = await session.get_one(Channel, loaded.content.channel_id)
    campaign = await session.get(Campaign, trigger.campaign_id) if trigger.campaign_id else None
    sequence = await session.get(SequenceTable, trigger.sequence_id) if trigger.sequence_id else None
    owner = campaign or sequence
    tracked = is_tracked(organization, owner.link_tracking if owner else None)
    return SendFacts(organization, channel, loaded.content, loaded.links, tracked, campaign.link_domain if campaign else None)


async def is_stopped(session: AsyncSession, trigger: PublishedTrigger) -> bool:
    """Whether somebody has stopped the trigger's campaign. An enrollment that is over stops no message of a firing: `leave` ends
    it, and a message may come after that."""
    if trigger.campaign_id is None:
        return False
    state = await session.scalar(select(col(Campaign.state)).where(col(Campaign.id) == trigger.campaign_id))
    return state == CampaignState.STOPPED


async def contacts_by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Contact]:
    return {row.id: row for row in await session.scalars(select(Contact).where(col(Contact.id).in_(ids)))}


async def firing_messages(
    session: AsyncSession, firing_ids: Sequence[UUID], position: int, *, lock: bool = False
) -> dict[UUID, Message]:
    """Returns the messages that these firings already have for this action, by firing. With `lock`, nobody else claims them."""
    statement = select(Message).where(col(Message.firing_id).in_(firing_ids), col(Message.action_position) == position)
    if lock:
        statement = statement.order_by(col(Message.id)).with_for_update()
    return {row.firing_id: row for row in await session.scalars(statement) if row.firing_id is not None}


# What may have arrived is asked about again, as after an interruption. The rest was not sent, so it is written again.
TRY_AGAIN = """
UPDATE message SET state = CASE state WHEN 'unknown' THEN 'sending' ELSE 'planned' END, reason = NULL, refused_at = NULL,
    to_address = CASE state WHEN 'unknown' THEN to_address END, body = CASE state WHEN 'unknown' THEN body END,
    subject = CASE state WHEN 'unknown' THEN subject END, html = CASE state WHEN 'unknown' THEN html END
WHERE firing_id = :firing_id AND state IN ('failed', 'skipped', 'unknown')
"""


async def try_messages_again(session: AsyncSession, firing_id: UUID) -> None:
    """Gives the messages of the firing that were not sent, or of which nobody knows, another attempt. A message that was accepted
    stays as it is."""
    await session.execute(text(TRY_AGAIN), {"firing_id": firing_id})


def is_unwritten(message: Message) -> bool:
    """Whether it waits for an attempt without a text, because `try_messages_again` has taken its old one away."""
    return message.state == "planned" and message.body is None
