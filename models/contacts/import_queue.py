"""Decides which import of an organization runs: the oldest one that waits, when none is running. A pile of files is imported one
file at a time."""

from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import now
from models.contacts.imports import OPEN, ContactImport, ImportState
from models.errors import TooManyRequests
from models.organizations.one_at_a_time import one_at_a_time


async def require_place(session: AsyncSession, org_id: UUID, limit: int) -> None:
    """Raises TooManyRequests when `limit` imports of the organization are not over."""
    unfinished = select(func.count()).where(col(ContactImport.org_id) == org_id, col(ContactImport.state).in_(OPEN))
    if (await session.scalar(unfinished) or 0) >= limit:
        raise TooManyRequests(f"{limit} imports wait or run already, which is the most: wait until one is over, or cancel one.")


async def add_import(session: AsyncSession, row: ContactImport, limit: int) -> ContactImport:
    """Adds an import at the end of the organization's queue. Raises TooManyRequests, also when others join at the same moment."""
    await _lock(session, row.org_id)
    await require_place(session, row.org_id, limit)
    session.add(row)
    await session.flush()
    return row


async def claim_next_import(session: AsyncSession, org_id: UUID) -> UUID | None:
    """Returns the import that needs a workflow now; it is `running` from now on. Returns None when another one has its turn, or
    when nothing waits."""
    await _lock(session, org_id)
    found = (await session.execute(text(NEXT), {"org_id": org_id})).first()
    if found is None or found.workflow_started_at is not None:
        return None
    await session.execute(update(ContactImport).where(col(ContactImport.id) == found.id).values(state=ImportState.RUNNING))
    return UUID(str(found.id))


async def organizations_to_start(session: AsyncSession) -> list[UUID]:
    """Returns organizations with an import whose start is due, while no other import of theirs has a workflow."""
    rows = await session.scalars(text(TO_START), {"now": now()})
    return list(rows)


async def _lock(session: AsyncSession, org_id: UUID) -> None:
    """Only one transaction at a time joins an organization's queue or takes a turn in it, until that transaction ends."""
    await one_at_a_time(session, org_id, "imports")


# The running import, or else the oldest that waits.
NEXT = """
SELECT id, workflow_started_at FROM contact_import WHERE org_id = :org_id AND state IN ('waiting', 'running')
ORDER BY state = 'running' DESC, id LIMIT 1
"""

# An import that has had its turn and whose start has failed is `running` and waits for its next attempt.
TO_START = """
SELECT org_id FROM contact_import WHERE state IN ('waiting', 'running') GROUP BY org_id
HAVING bool_and(workflow_started_at IS NULL) AND min(start_due_at) <= :now
    AND NOT bool_or(state = 'running' AND start_due_at > :now)
"""
