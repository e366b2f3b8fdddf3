"""Which changes of contacts wait for each other: those of identifying fields, and otherwise only those of the same contact."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.contacts.contact import Contact
from models.contacts.input import KEYS, ContactFields
from models.contacts.match import ContactIndex


def changes_a_key(index: ContactIndex, row: ContactFields, contact_id: UUID | None = None) -> bool:
    """Whether a row would change an identifying field (external id, e-mail or phone), and with it who is who: it makes a new
    contact, or gives its contact a key that it has not, or removes one. `contact_id` is the contact that the row is for. None:
    the one that its keys name.

    Only such a row needs `lock_keys`. Names, tags and properties concern nobody but their own contact.
    """
    named = {known.id: known for known in index.matches(row).values()}
    if contact_id is not None:
        named = {contact_id: index.by_id(contact_id)}
    given = [key for key in KEYS if key in row.model_fields_set]
    return not named or any(known.values[key] != getattr(row, key) for known in named.values() for key in given)


async def lock_keys(session: AsyncSession, org_id: UUID) -> None:
    """One writer of an organization's identifying fields at a time, until the transaction ends.

    A contact has three unique keys, so two writers would otherwise run into each other's new rows, or into a deadlock. A bulk
    request of 4,000 new contacts holds it for about a second.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('contacts ' || :org, 0))"), {"org": str(org_id)})


async def lock_contacts(session: AsyncSession, contact_ids: Iterable[UUID], at_once: int) -> list[Contact]:
    """These contacts as they are now; nobody else changes them until the transaction ends. `at_once` are read in one go.

    All writers lock in the order of ids, so none waits for another in a circle. Messages to the contacts can be stored meanwhile.
    """
    locked: list[Contact] = []
    for ids in _slices(sorted(contact_ids), at_once):
        statement = select(Contact).where(col(Contact.id).in_(ids)).order_by(col(Contact.id))
        fresh = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
        locked += await session.scalars(fresh)
    return locked


async def hold_contacts(session: AsyncSession, contact_ids: Iterable[UUID]) -> None:
    """Does the same without reading the contacts."""
    held = "SELECT FROM contact WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE"
    await session.execute(text(held), {"ids": list(contact_ids)})


def _slices(ids: Sequence[UUID], size: int) -> Iterable[Sequence[UUID]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
