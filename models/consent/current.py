"""The answer that counts now: the newest consent that covers a channel and a kind of message."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel
from models.consent.consent import ConsentState

CURRENT = text("""
SELECT given.id,
       (SELECT state FROM consent
         WHERE contact_id = given.id AND (medium IS NULL OR medium = :medium)
           AND (channel_id IS NULL OR channel_id = :channel_id)
           AND (message_kind IS NULL OR message_kind = :message_kind)
         ORDER BY given_at DESC, id DESC LIMIT 1)
  FROM unnest(CAST(:ids AS uuid[])) AS given (id)
""")


async def current_consent(
    session: AsyncSession, contact_ids: Sequence[UUID], channel: Channel, message_kind: str
) -> dict[UUID, ConsentState]:
    """Returns what counts for messages of this kind by this channel, by contact. Somebody who was never asked is `unknown`."""
    about = {"medium": channel.medium, "channel_id": channel.id, "message_kind": message_kind}
    rows = await session.execute(CURRENT, {"ids": list(contact_ids), **about})
    return {contact_id: ConsentState(state or ConsentState.UNKNOWN) for contact_id, state in rows}


NEWEST = text("SELECT contact_id, max(given_at) FROM consent WHERE contact_id = ANY(CAST(:ids AS uuid[])) GROUP BY contact_id")


async def newest_given_at(session: AsyncSession, contact_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """Returns when each contact said something last. Those who never did are left out."""
    return {row[0]: row[1] for row in await session.execute(NEWEST, {"ids": list(contact_ids)})}
