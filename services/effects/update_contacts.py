"""Changes tags, names and properties of contacts because a trigger has fired or a step says so."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.contacts.change_many import ChangeResult, ContactChange, change_contacts


async def update_contacts(
    session: AsyncSession, org_id: UUID, contact_ids: Collection[UUID], change: ContactChange
) -> dict[UUID, ChangeResult]:
    """Makes the change to all of these contacts, in one statement and without the organization's lock. It is safe to repeat, and
    raises nothing when a contact cannot be changed: its result says why."""
    return await change_contacts(session, org_id, contact_ids, change)
