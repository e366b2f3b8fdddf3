"""What is read and written when an inbound message arrives."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.inbound.inbound_message import InboundMeaning, InboundMessage

GONE_OUT = "state IN ('sending', 'accepted', 'unknown')"
"""Our messages to which somebody can have answered."""


async def lock_sender(session: AsyncSession, channel_id: UUID, address: str) -> None:
    """Until the transaction ends, nobody else takes a message of this sender to this channel."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('inbound ' || :channel || ' ' || :address, 0))")
    await session.execute(lock, {"channel": str(channel_id), "address": address})


async def find_inbound(session: AsyncSession, channel_id: UUID, provider_id: str) -> InboundMessage | None:
    """Returns the message if the provider has handed it over before. The caller holds `lock_sender`."""
    known = select(InboundMessage).where(
        col(InboundMessage.channel_id) == channel_id, col(InboundMessage.provider_id) == provider_id
    )
    return await session.scalar(known)


async def add_inbound(session: AsyncSession, message: InboundMessage) -> None:
    session.add(message)
    await session.flush()


class Answered(NamedTuple):
    """Our message that somebody has answered."""

    message_id: UUID
    contact_id: UUID


NEWEST = text(f"""
SELECT id, contact_id FROM message
 WHERE contact_id = ANY(CAST(:contact_ids AS uuid[])) AND channel_id = :channel_id AND {GONE_OUT}
 ORDER BY id DESC LIMIT 1
""")  # noqa: S608 - a condition of ours


async def newest_message(session: AsyncSession, contact_ids: Sequence[UUID], channel_id: UUID) -> Answered | None:
    """Returns our newest message to one of these contacts by this channel, or None when there is none."""
    row = (await session.execute(NEWEST, {"contact_ids": list(contact_ids), "channel_id": channel_id})).first()
    return Answered(*row) if row else None


CONFIRMED = text("""
SELECT FROM inbound_message
 WHERE channel_id = :channel_id AND from_address = :address AND meaning = :meaning AND answer IS NOT NULL
   AND received_at > CAST(:since AS timestamptz)
 LIMIT 1
""")


async def was_confirmed(session: AsyncSession, channel_id: UUID, address: str, meaning: InboundMeaning, since: datetime) -> bool:
    """Whether a word with this meaning of this sender has been confirmed since then."""
    about = {"channel_id": channel_id, "address": address, "meaning": meaning.value, "since": since}
    return (await session.execute(CONFIRMED, about)).first() is not None


END_ON_REPLY = text(f"""
SELECT enrollment.id
  FROM enrollment JOIN sequence ON sequence.id = enrollment.sequence_id
 WHERE enrollment.contact_id = ANY(CAST(:contact_ids AS uuid[])) AND enrollment.state = 'running' AND sequence.end_on_reply
   AND EXISTS (SELECT FROM message
                WHERE enrollment_id = enrollment.id AND campaign_id IS NULL AND channel_id = :channel_id AND message.{GONE_OUT})
 ORDER BY enrollment.id
""")  # noqa: S608 - a condition of ours


async def enrollments_ended_by_a_reply(session: AsyncSession, contact_ids: Sequence[UUID], channel_id: UUID) -> list[UUID]:
    """Returns the contacts' enrollments that end on a reply and have sent something by this channel."""
    return list(await session.scalars(END_ON_REPLY, {"contact_ids": list(contact_ids), "channel_id": channel_id}))
