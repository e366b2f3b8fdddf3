"""Which enrollments an opt-out ends: those of a sequence that would send something which it covers. One that came late, after a
newer opt-in, covers nothing of what the person has asked for again."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

COVERED = text("""
SELECT enrollment.id
  FROM enrollment JOIN sequence ON sequence.id = enrollment.sequence_id
 WHERE enrollment.contact_id = ANY(CAST(:contact_ids AS uuid[])) AND enrollment.state IN ('queued', 'running')
   AND sequence.leave_on_opt_out
   AND EXISTS (
       SELECT FROM content JOIN channel ON channel.id = content.channel_id
        WHERE content.sequence_version_id = enrollment.sequence_version_id
          AND (CAST(:medium AS text) IS NULL OR channel.medium = :medium)
          AND (CAST(:channel_id AS uuid) IS NULL OR channel.id = :channel_id)
          AND (CAST(:message_kind AS text) IS NULL OR content.message_kind = :message_kind)
          AND 'opted_out' = (
              SELECT state FROM consent
               WHERE consent.contact_id = enrollment.contact_id AND (consent.medium IS NULL OR consent.medium = channel.medium)
                 AND (consent.channel_id IS NULL OR consent.channel_id = channel.id)
                 AND (consent.message_kind IS NULL OR consent.message_kind = content.message_kind)
               ORDER BY given_at DESC, consent.id DESC LIMIT 1))
 ORDER BY enrollment.id
""")


async def covered_enrollments(
    session: AsyncSession, contact_ids: Sequence[UUID], medium: str | None, channel_id: UUID | None, message_kind: str | None
) -> list[UUID]:
    """Returns the enrollments of the contacts that are not over and that leave when the person opts out of messages of this
    medium, channel and kind. None covers all. The opt-out is written already."""
    about = {"medium": medium, "channel_id": channel_id, "message_kind": message_kind}
    return list(await session.scalars(COVERED, {"contact_ids": list(contact_ids), **about}))
