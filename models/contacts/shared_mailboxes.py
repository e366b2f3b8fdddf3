"""Several contacts at one mailbox: an organization's setting, with which an e-mail address is a value and no key."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.contacts.lock import lock_keys
from models.errors import Conflict, ConflictCode

SHARED = (
    "SELECT count(*) FROM (SELECT FROM contact WHERE org_id = :org_id AND email IS NOT NULL GROUP BY email HAVING count(*) > 1) s"
)
RELEASE = "UPDATE contact SET mailbox_of = NULL WHERE org_id = :org_id AND mailbox_of IS NOT NULL"


async def shares_mailboxes(session: AsyncSession, org_id: UUID) -> bool:
    return bool(await session.scalar(text("SELECT shared_mailboxes FROM organization WHERE id = :id"), {"id": org_id}))


async def stop_sharing(session: AsyncSession, org_id: UUID) -> None:
    """Makes e-mail addresses keys again. Raises Conflict while several contacts have the same one. No contact gets another
    address until the transaction ends."""
    await lock_keys(session, org_id)
    if shared := await session.scalar(text(SHARED), {"org_id": org_id}):
        problem = f"{shared:,} e-mail addresses belong to more than one contact: change these contacts first."
        raise Conflict(ConflictCode.MAILBOXES_SHARED, problem)
    await session.execute(text(RELEASE), {"org_id": org_id})
