"""Everything that is known of a contact, as one document."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.contacts.contact import get_contact
from models.contacts.personal_data import export_rows
from services.contacts.erase import whose


async def export_contact(session: AsyncSession, org_id: UUID, contact_id: UUID) -> dict[str, list[Any]]:
    """Returns the rows by table. Raises NotFound."""
    contact = await get_contact(session, org_id, contact_id)
    return await export_rows(session, await whose(session, contact))
