"""What an erasure has to know beside the rows that it changes: what still runs for the contact, and what cannot be erased yet."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

ENROLLMENTS = text("SELECT id, finished_at IS NULL FROM enrollment WHERE contact_id = :contact_id ORDER BY id")
BEING_SENT = text("SELECT count(*) FROM message WHERE contact_id = :contact_id AND state = 'sending'")
IMPORTS = text("SELECT count(*) FROM contact_import WHERE org_id = :org_id AND csv <> ''")


async def enrollments_of(session: AsyncSession, contact_id: UUID) -> dict[UUID, bool]:
    """Returns whether each enrollment of the contact still runs, in the order of ids."""
    return {row[0]: row[1] for row in await session.execute(ENROLLMENTS, {"contact_id": contact_id})}


async def messages_being_sent(session: AsyncSession, contact_id: UUID) -> int:
    return await session.scalar(BEING_SENT, {"contact_id": contact_id}) or 0


async def imports_at_work(session: AsyncSession, org_id: UUID) -> int:
    """Returns how many imports of the organization are not over, whose files may hold anybody."""
    return await session.scalar(IMPORTS, {"org_id": org_id}) or 0
