"""Writes contacts, many at once: rows are applied in memory in their order, then written with one statement for each kind of
change.

Which contact a row means is decided in `models/contacts/match.py`, who waits for whom in `models/contacts/lock.py`.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.contacts.contact import Contact, get_contact, refuse_erased
from models.contacts.input import KEYS, ContactFields, ContactInput, keys_of
from models.contacts.lock import changes_a_key, lock_contacts, lock_keys
from models.contacts.match import VALUES, ContactIndex, Known, Outcome, Result, taken
from models.contacts.row import ContactRow, Key
from models.contacts.shared_mailboxes import shares_mailboxes
from models.errors import Conflict, ConflictCode, Invalid
from models.unchanged import require_unchanged

AT_ONCE = 500
"""The number of contacts that are read or compared in one go: about ten milliseconds of the event loop."""


async def upsert_contacts(
    session: AsyncSession, org_id: UUID, rows: Sequence[ContactInput], match_on: Key | None = None
) -> list[Outcome]:
    """One outcome for each row, in order. A row that fails changes nothing and stops nothing."""
    found, shared = await _locked(session, org_id, rows)

    def apply() -> tuple[ContactIndex, list[Outcome]]:
        index = ContactIndex(found, match_on, shared_mailboxes=shared)
        return index, [index.apply(row) for row in rows]

    # Thousands take a tenth of a second, in which nobody else of this process would be answered: so they go to a thread.
    index, outcomes = apply() if len(rows) <= AT_ONCE else await asyncio.to_thread(apply)
    await _write(session, org_id, index.known, shared)
    return outcomes


async def upsert_rows(
    session: AsyncSession, org_id: UUID, rows: Sequence[ContactRow], match_on: Key | None = None
) -> list[Outcome]:
    """Does the same for rows of which some could not be read; those have failed already."""
    written = await upsert_contacts(session, org_id, [row.contact for row in rows if row.contact], match_on)
    return outcomes_of(rows, written)


def outcomes_of(rows: Sequence[ContactRow], written: Iterable[Outcome]) -> list[Outcome]:
    """Returns an outcome for each row: those that were written have theirs in `written`, in the same order."""
    left = iter(written)
    outcomes = [next(left) if row.contact else Outcome("failed") for row in rows]
    return [replace(outcome, errors=(*outcome.errors, *row.errors)) for row, outcome in zip(rows, outcomes, strict=True)]


async def stored_contacts(session: AsyncSession, org_id: UUID, rows: Sequence[ContactFields], shared: bool) -> list[Contact]:
    """Returns the stored contacts that the rows name, without locking them."""
    return list((await _named(session, org_id, rows, None, shared)).values())


async def create_contact(session: AsyncSession, org_id: UUID, row: ContactInput) -> Contact:
    """Raises Conflict when one of its keys is another contact's."""
    found, shared = await _locked(session, org_id, [row])
    index = ContactIndex(found, shared_mailboxes=shared)
    if named := index.matches(row):
        raise Conflict(ConflictCode.CONTACT_EXISTS, "There is such a contact already; PUT changes it.", list(taken(named)))
    outcome = index.apply(row)
    if outcome.errors:
        raise Invalid(outcome.errors[0].message, list(outcome.errors))
    return await _written(session, org_id, index, outcome, shared)


async def change_contact(
    session: AsyncSession, org_id: UUID, contact_id: UUID, change: ContactFields, seen: datetime | None = None
) -> Contact:
    """Raises NotFound, Conflict when a new key is another contact's or when the contact was changed since its `updated_at` was
    `seen`, and Invalid when no key would be left."""
    contact = await get_contact(session, org_id, contact_id)
    refuse_erased(contact)
    found, shared = await _locked(session, org_id, [change], contact)
    require_unchanged(next(each for each in found if each.id == contact_id), seen)
    index = ContactIndex(found, shared_mailboxes=shared)
    others = {key: known for key, known in index.matches(change).items() if known.id != contact_id}
    if others:
        raise Conflict(ConflictCode.CONTACT_EXISTS, "Another contact has this already.", list(taken(others)))
    outcome = index.change(index.by_id(contact_id), change)
    if outcome.errors:
        raise Invalid(outcome.errors[0].message, list(outcome.errors))
    return await _written(session, org_id, index, outcome, shared)


async def put_contact(
    session: AsyncSession, org_id: UUID, row: ContactInput, match_on: Key | None = None
) -> tuple[Contact, Result]:
    """Raises Conflict when a key of the row is another person's, and Invalid when the contact would not be valid any more."""
    (outcome,) = await upsert_contacts(session, org_id, [row], match_on)
    if outcome.conflict:
        raise Conflict(outcome.conflict, outcome.errors[0].message, list(outcome.errors))
    if outcome.errors:
        raise Invalid(outcome.errors[0].message, list(outcome.errors))
    assert outcome.contact_id is not None  # noqa: S101 - only a failed row has none
    return await _fresh(session, org_id, outcome.contact_id), outcome.result


async def _locked(
    session: AsyncSession, org_id: UUID, rows: Sequence[ContactFields], own: Contact | None = None
) -> tuple[list[Contact], bool]:
    """The stored contacts that the rows name, and `own`, the one that the rows are for, if it is given. And whether the
    organization's contacts share mailboxes.

    Until this transaction ends, nobody else changes them, nor any identifying field of the organization if a row changes one.
    """
    shared = await shares_mailboxes(session, org_id)
    named = await _named(session, org_id, rows, own, shared)
    if not await _change_keys(named, rows, own, shared):
        savepoint = await session.begin_nested()
        locked = await lock_contacts(session, named, AT_ONCE)
        if not await _change_keys({contact.id: contact for contact in locked}, rows, own, shared):
            await savepoint.commit()
            return locked, shared
        await savepoint.rollback()  # a key has changed hands since it was looked up; whoever waits for keys holds no contact
    await lock_keys(session, org_id)
    shared = await shares_mailboxes(session, org_id)  # whoever changes the setting holds this lock too
    return await lock_contacts(session, await _named(session, org_id, rows, own, shared), AT_ONCE), shared


async def _change_keys(found: dict[UUID, Contact], rows: Sequence[ContactFields], own: Contact | None, shared: bool) -> bool:
    def look() -> bool:
        index = ContactIndex(found.values(), shared_mailboxes=shared)
        return any(changes_a_key(index, row, own.id if own else None) for row in rows)

    return look() if len(rows) <= AT_ONCE else await asyncio.to_thread(look)


async def _named(
    session: AsyncSession, org_id: UUID, rows: Sequence[ContactFields], own: Contact | None, shared: bool
) -> dict[UUID, Contact]:
    """The stored contacts that any key of the rows names, as they are now, and `own`."""
    found: dict[UUID, Contact] = {own.id: own} if own else {}
    for key in keys_of(shared):
        statement = FIND[key]
        values = [value for row in rows if (value := getattr(row, key)) is not None]
        for start in range(0, len(values), AT_ONCE):
            contacts = await session.scalars(statement, {"org_id": org_id, "values": values[start : start + AT_ONCE]})
            found.update({contact.id: contact for contact in contacts})
    return found


async def _write(session: AsyncSession, org_id: UUID, known: dict[UUID, Known], shared: bool) -> None:
    new = [each for each in known.values() if each.is_new]
    changed = [each for each in known.values() if each.is_changed and not each.is_new]
    if moved := [each.id for each in changed if _gives_up_a_key(each)]:
        # One row may take the key that another one gives up, so all of them are released first.
        release = "UPDATE contact SET external_id = NULL, email = NULL, phone = NULL WHERE id = ANY(CAST(:ids AS uuid[]))"
        await session.execute(text(release), {"ids": moved})
    if changed:
        await session.execute(UPDATE, {"now": now(), "rows": _rows(changed), "shared": shared})
    if new:
        await session.execute(INSERT, {"org_id": org_id, "now": now(), "rows": _rows(new), "shared": shared})


def _gives_up_a_key(known: Known) -> bool:
    return any(before is not None and before != known.values[key] for key, before in known.keys_before.items())


def _rows(contacts: Iterable[Known]) -> str:
    return json.dumps([{"id": str(each.id), **each.values} for each in contacts])


async def _written(session: AsyncSession, org_id: UUID, index: ContactIndex, outcome: Outcome, shared: bool) -> Contact:
    await _write(session, org_id, index.known, shared)
    assert outcome.contact_id is not None  # noqa: S101 - only a failed row has none
    return await _fresh(session, org_id, outcome.contact_id)


async def _fresh(session: AsyncSession, org_id: UUID, contact_id: UUID) -> Contact:
    """Reads the contact as it is stored now, because the statements went past the session."""
    contact = await get_contact(session, org_id, contact_id)
    await session.refresh(contact)
    return contact


COLUMNS = ", ".join(VALUES)
# Each value is looked up in the unique index. As a plain join, the planner reads all contacts of the organization whenever its
# statistics are old, which they are during a large import.
FIND = {
    key: select(Contact)
    .from_statement(
        text(
            f"""
            SELECT found.* FROM unnest(CAST(:values AS text[])) AS wanted (value)
            CROSS JOIN LATERAL (SELECT * FROM contact WHERE org_id = :org_id AND {key} = wanted.value LIMIT 1) AS found
            """  # noqa: S608 - the name of a column, from above
        )
    )
    .execution_options(populate_existing=True)
    for key in KEYS
}
UPDATE = text(
    f"""
    UPDATE contact SET updated_at = :now, mailbox_of = CASE WHEN :shared THEN contact.id END,
        {", ".join(f"{name} = new.{name}" for name in VALUES)}
    FROM jsonb_populate_recordset(CAST(NULL AS contact), CAST(:rows AS jsonb)) AS new
    WHERE contact.id = new.id
    """  # noqa: S608 - the names of columns, from above
)
INSERT = text(
    f"""
    INSERT INTO contact (id, org_id, created_at, updated_at, mailbox_of, {COLUMNS})
    SELECT id, :org_id, :now, :now, CASE WHEN :shared THEN id END, {COLUMNS}
    FROM jsonb_populate_recordset(CAST(NULL AS contact), CAST(:rows AS jsonb))
    """  # noqa: S608 - the names of columns, from above
)
