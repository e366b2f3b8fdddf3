"""What an erasure has to know beside the rows that it changes: what still runs for the contact, and what cannot be erased yet."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.consent.lock import lock_people

ENROLLMENTS = text("SELECT id, finished_at IS NULL FROM enrollment WHERE contact_id = :contact_id ORDER BY id")
BEING_SENT = text("SELECT count(*) FROM message WHERE contact_id = :contact_id AND state = 'sending'")
FIRINGS = text("SELECT FROM firing WHERE contact_id = :contact_id ORDER BY id FOR NO KEY UPDATE")
MESSAGES = text("SELECT FROM message WHERE contact_id = :contact_id ORDER BY id FOR NO KEY UPDATE")
# What another contact has by now is that contact's.
EARLIER = text("""
SELECT DISTINCT channel.medium, told.address FROM (
    SELECT channel_id, to_address AS address FROM message WHERE contact_id = :contact_id
    UNION SELECT channel_id, from_address FROM inbound_message WHERE contact_id = :contact_id
) AS told JOIN channel ON channel.id = told.channel_id
 WHERE told.address IS NOT NULL AND NOT EXISTS (SELECT FROM contact other
    WHERE other.org_id = :org_id AND other.id <> :contact_id AND told.address IN (other.email, other.phone))
""")
ANSWERED = text("""
SELECT id FROM consent WHERE contact_id = :contact_id UNION ALL SELECT id FROM enrollment WHERE contact_id = :contact_id
UNION ALL SELECT id FROM inbound_message WHERE contact_id = :contact_id
""")
IMPORTS = text("SELECT count(*) FROM contact_import WHERE org_id = :org_id AND csv <> ''")


async def lock_to_erase(session: AsyncSession, org_id: UUID, contact_id: UUID) -> None:
    """Locks the contact with its firings, enrollments and messages, in the order in which everybody locks them: whoever does
    actions locks a firing before its contact, and whoever sends locks a contact before its messages."""
    await session.execute(FIRINGS, {"contact_id": contact_id})
    await lock_people(session, org_id, [contact_id])
    await session.execute(MESSAGES, {"contact_id": contact_id})


async def enrollments_of(session: AsyncSession, contact_id: UUID) -> dict[UUID, bool]:
    """Returns whether each enrollment of the contact still runs, in the order of ids."""
    return {row[0]: row[1] for row in await session.execute(ENROLLMENTS, {"contact_id": contact_id})}


async def earlier_addresses(session: AsyncSession, org_id: UUID, contact_id: UUID) -> list[tuple[str, str]]:
    """Returns the media and addresses by which the contact was reached or wrote, those of today among them."""
    rows = await session.execute(EARLIER, {"org_id": org_id, "contact_id": contact_id})
    return [(medium, address) for medium, address in rows]


async def answered_ids(session: AsyncSession, contact_id: UUID) -> list[str]:
    """Returns the ids of rows of the contact that answers of the API name without naming the contact."""
    return [str(each) for each in await session.scalars(ANSWERED, {"contact_id": contact_id})]


async def messages_being_sent(session: AsyncSession, contact_id: UUID) -> int:
    return await session.scalar(BEING_SENT, {"contact_id": contact_id}) or 0


async def imports_at_work(session: AsyncSession, org_id: UUID) -> int:
    """Returns how many imports of the organization are not over, whose files may hold anybody."""
    return await session.scalar(IMPORTS, {"org_id": org_id}) or 0
