"""What an import would do with the first rows of a file, without doing it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.contacts.csv_rows import CsvRow
from models.contacts.match import ContactIndex, Outcome
from models.contacts.row import Key
from models.contacts.shared_mailboxes import shares_mailboxes
from models.contacts.upsert import outcomes_of, stored_contacts


async def preview_rows(session: AsyncSession, org_id: UUID, rows: Sequence[CsvRow], match_on: Key | None) -> list[Outcome]:
    """Returns the outcome that each row would have, applied in their order. Nothing is written or locked. The id of a contact
    that would be created is made up."""
    readable = [row.contact.contact for row in rows if row.contact.contact]
    shared = await shares_mailboxes(session, org_id)
    index = ContactIndex(await stored_contacts(session, org_id, readable, shared), match_on, shared_mailboxes=shared)
    return outcomes_of([row.contact for row in rows], [index.apply(contact) for contact in readable])
