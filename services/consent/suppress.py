"""Suppresses an address: nothing is sent to it any more, whoever has it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.consent.lock import lock_people, people_at
from models.consent.suppression import SuppressionReason, add_suppression


async def suppress(
    session: AsyncSession,
    org_id: UUID,
    medium: str,
    address: str,
    reason: SuppressionReason,
    *,
    detail: str | None = None,
    message_id: UUID | None = None,
    channel_id: UUID | None = None,
    message_kind: str | None = None,
) -> bool:
    """Returns False, and changes nothing, when the address is suppressed already. `address` is as contacts have it. With
    `channel_id` or `message_kind`, only such messages are suppressed.

    The contacts who have it are locked first, so no message to it is claimed after the commit. For the order of locks, see
    `lock_people`.
    """
    await lock_people(session, org_id, await people_at(session, org_id, medium, address))
    return await add_suppression(session, org_id, medium, address, reason, detail, message_id, channel_id, message_kind)
