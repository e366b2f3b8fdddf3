"""Suppresses an address: nothing is sent to it any more, whoever has it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.consent.lock import is_erased, lock_people, people_at
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
    contact_id: UUID | None = None,
) -> bool:
    """Returns False, and changes nothing, when the address is suppressed already. `address` is as contacts have it. With
    `channel_id` or `message_kind`, only such messages are suppressed.

    `contact_id` is the person to whom the message went. When the person was erased meanwhile, only a hash of the address is kept.

    The contacts who have it are locked first, so no message to it is claimed after the commit. For the order of locks, see
    `lock_people`.
    """
    people = await people_at(session, org_id, medium, address)
    await lock_people(session, org_id, people if contact_id is None else [*people, contact_id])
    only_hash = contact_id is not None and await is_erased(session, contact_id)
    return await add_suppression(
        session, org_id, medium, address, reason, detail, message_id, channel_id, message_kind, only_hash=only_hash
    )
