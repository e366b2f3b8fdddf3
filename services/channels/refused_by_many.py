"""Decides when refusals by policy (5.7.x) pause a channel: when several recipients have refused it within an hour.

One strict recipient, or one who writes bounces to stop everybody's messages, must not be able to pause a channel alone.
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel
from models.channels.pace import domain_of
from models.channels.policy_refusal import add_policy_refusal, forget_policy_refusals
from models.consent.suppression import address_hash

RECIPIENTS = 3
WITHIN = timedelta(hours=1)
"""So many recipient domains, or phone numbers, that refuse a channel by policy within this time pause it."""


async def refused_by_many(session: AsyncSession, channel: Channel, address: str) -> bool:
    """Writes down that this recipient has refused the channel, and returns whether the channel has to pause now. All mailboxes of
    a domain count as one recipient."""
    recipient = domain_of(address) or address_hash(channel.org_id, channel.medium, address).hex()
    if await add_policy_refusal(session, channel.id, recipient, WITHIN) < RECIPIENTS:
        return False
    await forget_policy_refusals(session, channel.id)
    return True
