"""The answer that counts now: the newest consent that covers a channel and a kind of message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel, Medium
from models.consent.consent import ConsentState
from models.messages.message import MessageKind

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


@dataclass(frozen=True)
class CurrentAnswer:
    """What counts now for messages of one medium and kind, by one channel or, with `channel_id` None, by any channel about which
    nothing more was said. `consent_id` is None for somebody who was never asked."""

    medium: str
    channel_id: UUID | None
    message_kind: str
    state: ConsentState
    consent_id: UUID | None
    given_at: datetime | None


ANSWERS = text("""
WITH wanted AS (
    SELECT medium, CAST(NULL AS uuid) AS channel_id FROM unnest(CAST(:media AS text[])) AS medium
    UNION
    SELECT channel.medium, channel.id FROM consent JOIN channel ON channel.id = consent.channel_id
     WHERE consent.contact_id = :contact_id
)
SELECT wanted.medium, wanted.channel_id, message_kind, coalesce(newest.state, 'unknown'), newest.id, newest.given_at
  FROM wanted
 CROSS JOIN unnest(CAST(:kinds AS text[])) WITH ORDINALITY AS kinds (message_kind, place)
  LEFT JOIN LATERAL (
      SELECT state, id, given_at FROM consent
       WHERE contact_id = :contact_id AND (consent.medium IS NULL OR consent.medium = wanted.medium)
         AND (consent.channel_id IS NULL OR consent.channel_id = wanted.channel_id)
         AND (consent.message_kind IS NULL OR consent.message_kind = kinds.message_kind)
       ORDER BY given_at DESC, id DESC LIMIT 1) AS newest ON true
 ORDER BY wanted.medium, wanted.channel_id NULLS FIRST, place
""")


async def current_answers(session: AsyncSession, contact_id: UUID) -> list[CurrentAnswer]:
    """Returns the answers for each medium and kind, and for each channel about which the contact has said something."""
    about = {"contact_id": contact_id, "media": [each.value for each in Medium], "kinds": [each.value for each in MessageKind]}
    return [CurrentAnswer(*row) for row in await session.execute(ANSWERS, about)]


NEWEST = text("SELECT contact_id, max(given_at) FROM consent WHERE contact_id = ANY(CAST(:ids AS uuid[])) GROUP BY contact_id")


async def newest_given_at(session: AsyncSession, contact_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """Returns when each contact said something last. Those who never did are left out."""
    return {row[0]: row[1] for row in await session.execute(NEWEST, {"ids": list(contact_ids)})}


NEVER_ANSWERED = text("""
SELECT given.id FROM unnest(CAST(:ids AS uuid[])) AS given (id)
 WHERE NOT EXISTS (
    SELECT FROM consent WHERE contact_id = given.id AND state <> 'unknown'
       AND (medium IS NULL OR CAST(:medium AS text) IS NULL OR medium = :medium))
""")


async def never_answered(session: AsyncSession, contact_ids: Sequence[UUID], medium: str | None) -> list[UUID]:
    """Returns those of the contacts who have never said anything about messages of this medium. None stands for any medium."""
    return list(await session.scalars(NEVER_ANSWERED, {"ids": list(contact_ids), "medium": medium}))
