"""What the conversation shows of a contact's own words: what they wrote, and what they said about getting messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.channels.channel import Channel
from models.consent.consent import Consent
from models.consent.suppression import Suppression
from models.inbound.inbound_message import InboundMessage


@dataclass(frozen=True)
class ConsentEntry:
    """`channel` is the name of the only channel that the answer is about, or None."""

    at: datetime
    consent: Consent
    channel: str | None


@dataclass(frozen=True)
class SuppressionEntry:
    """An address of the contact that was suppressed. `channel` is the name of the only channel that it is about, or None."""

    at: datetime
    suppression: Suppression
    channel: str | None


@dataclass(frozen=True)
class InboundEntry:
    """`channel` is the name of the channel to which the contact wrote."""

    at: datetime
    message: InboundMessage
    channel: str


async def read_consents(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, ConsentEntry]:
    if not ids:
        return {}
    statement = select(Consent, col(Channel.name)).outerjoin(Channel, col(Channel.id) == col(Consent.channel_id))
    rows = await session.execute(statement.where(col(Consent.id).in_(ids)))
    return {consent.id: ConsentEntry(consent.given_at, consent, channel) for consent, channel in rows}


async def read_suppressions(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, SuppressionEntry]:
    if not ids:
        return {}
    statement = select(Suppression, col(Channel.name)).outerjoin(Channel, col(Channel.id) == col(Suppression.channel_id))
    rows = await session.execute(statement.where(col(Suppression.id).in_(ids)))
    return {each.id: SuppressionEntry(each.created_at, each, channel) for each, channel in rows}


async def read_inbound(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, InboundEntry]:
    if not ids:
        return {}
    statement = select(InboundMessage, col(Channel.name)).join(Channel, col(Channel.id) == col(InboundMessage.channel_id))
    rows = await session.execute(statement.where(col(InboundMessage.id).in_(ids)))
    return {message.id: InboundEntry(message.received_at, message, channel) for message, channel in rows}
