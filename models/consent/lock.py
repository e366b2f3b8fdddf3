"""Who writes what stands in the way of a person's messages locks the person first, and waits for claims that have begun."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Turns lock an enrollment and then, by a foreign key, its contact FOR KEY SHARE; instant effects lock the contact FOR NO KEY
# UPDATE and then its enrollments. So neither order alone is free of deadlocks, and the contact is locked twice.
HOLD = text("SELECT id FROM contact WHERE id = ANY(CAST(:ids AS uuid[])) AND org_id = :org_id ORDER BY id FOR NO KEY UPDATE")
HOLD_ENROLLMENTS = text("""
SELECT FROM enrollment WHERE contact_id = ANY(CAST(:ids AS uuid[])) AND state IN ('queued', 'running')
 ORDER BY id FOR NO KEY UPDATE
""")
LOCK = text("SELECT FROM contact WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE")


async def lock_people(session: AsyncSession, org_id: UUID, contact_ids: Sequence[UUID]) -> list[UUID]:
    """Locks those of the contacts that are the organization's, with their enrollments, in the order of ids. Returns their ids.

    Until the transaction ends, no message to them is claimed. Whoever locks several people one after the other in one transaction
    does so in the order of their ids, and before any message of theirs is locked.
    """
    held = list(await session.scalars(HOLD, {"ids": list(contact_ids), "org_id": org_id}))
    if held:
        await session.execute(HOLD_ENROLLMENTS, {"ids": held})
        await session.execute(LOCK, {"ids": held})
    return held


ERASED = text("SELECT EXISTS (SELECT FROM contact WHERE id = :contact_id AND erased_at IS NOT NULL)")


async def is_erased(session: AsyncSession, contact_id: UUID) -> bool:
    """Whether the contact, which is locked, has been erased."""
    return bool(await session.scalar(ERASED, {"contact_id": contact_id}))


OF_ADDRESS = {
    "sms": text("SELECT id FROM contact WHERE org_id = :org_id AND phone = :address ORDER BY id"),
    "email": text("SELECT id FROM contact WHERE org_id = :org_id AND email = :address ORDER BY id"),
}


async def people_at(session: AsyncSession, org_id: UUID, medium: str, address: str) -> list[UUID]:
    """Returns the contacts that are reached at this address. `address` is as contacts have it."""
    return list(await session.scalars(OF_ADDRESS[medium], {"org_id": org_id, "address": address}))
