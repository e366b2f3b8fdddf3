"""Limits of an organization that are kept by counting before adding."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(:what || ' of ' || :org_id, 0))"


async def one_at_a_time(session: AsyncSession, org_id: UUID, what: str) -> None:
    """Until this transaction ends, no other one counts or adds this kind of thing for the organization. Call it before counting,
    so that requests at the same moment see what the others have added."""
    await session.execute(text(LOCK), {"what": what, "org_id": str(org_id)})
