"""What an import would do with the first rows of a file, without doing it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.contacts.csv_rows import CsvRow
from models.contacts.match import ContactIndex, Outcome
from models.contacts.row import Key
from models.contacts.shared_mailboxes import shares_mailboxes
from models.contacts.upsert import outcomes_of, stored_contacts
from models.errors import FieldError


async def preview_rows(session: AsyncSession, org_id: UUID, rows: Sequence[CsvRow], match_on: Key | None) -> list[Outcome]:
    """Returns the outcome that each row would have, applied in their order. Nothing is written or locked. A contact that
    one of the rows would create has no id, so errors name its line instead."""
    readable = [row.contact.contact for row in rows if row.contact.contact]
    shared = await shares_mailboxes(session, org_id)
    index = ContactIndex(await stored_contacts(session, org_id, readable, shared), match_on, shared_mailboxes=shared)
    outcomes = outcomes_of([row.contact for row in rows], [index.apply(contact) for contact in readable])
    created = {each.contact_id: row.line for row, each in zip(rows, outcomes, strict=True) if each.result == "created"}
    return [_without_made_up_ids(each, created) for each in outcomes]


def _without_made_up_ids(outcome: Outcome, created: Mapping[UUID | None, int]) -> Outcome:
    """`created` has the lines of the contacts that do not exist yet, by the ids that the index has given them."""
    errors = tuple(_with_line(each, created[each.contact_id]) if each.contact_id in created else each for each in outcome.errors)
    return replace(outcome, errors=errors, contact_id=None if outcome.contact_id in created else outcome.contact_id)


def _with_line(error: FieldError, line: int) -> FieldError:
    return replace(
        error, message=error.message.replace(f"contact {error.contact_id}", f"contact of line {line}"), contact_id=None
    )
