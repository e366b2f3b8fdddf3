"""Writing contacts, many at once: rows are applied in memory in their order, then written with one statement for each kind.

A row means the contact that its external id, e-mail address or phone number names; none: a new one. Two: a conflict.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import new_id, now
from models.contact import Contact, get_contact
from models.contact_input import KEYS, MAX_PROPERTIES_BYTES, ContactFields, ContactInput, properties_size
from models.errors import Conflict, ConflictCode, FieldError, Invalid

VALUES = (*KEYS, "first_name", "last_name", "time_zone", "tags", "properties")

Result = Literal["created", "updated", "unchanged", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of one row. `contact_id` is None when it failed."""

    result: Result
    contact_id: UUID | None = None
    errors: tuple[FieldError, ...] = ()
    conflict: bool = False


@dataclass
class Known:
    """A contact as it will be when the rows so far are written."""

    id: UUID
    values: dict[str, Any]
    is_new: bool
    keys_before: dict[str, Any] = field(default_factory=dict)
    is_changed: bool = False


async def upsert_contacts(session: AsyncSession, org_id: UUID, rows: Sequence[ContactInput]) -> list[Outcome]:
    """One outcome for each row, in order. A row that fails changes nothing and stops nothing."""
    await lock_contacts(session, org_id)
    book = _Book(await _named(session, org_id, rows))
    outcomes = [book.apply(row) for row in rows]
    await _write(session, org_id, book.known)
    return outcomes


async def upsert_readable(session: AsyncSession, org_id: UUID, rows: Sequence[ContactInput | list[FieldError]]) -> list[Outcome]:
    """The same for rows of which some could not be read: those have failed already."""
    written = iter(await upsert_contacts(session, org_id, [row for row in rows if isinstance(row, ContactInput)]))
    return [next(written) if isinstance(row, ContactInput) else Outcome("failed", errors=tuple(row)) for row in rows]


async def create_contact(session: AsyncSession, org_id: UUID, row: ContactInput) -> Contact:
    """Raises Conflict when one of its keys is another contact's."""
    await lock_contacts(session, org_id)
    book = _Book(await _named(session, org_id, [row]))
    if taken := book.matches(row):
        raise Conflict(ConflictCode.CONTACT_EXISTS, "There is such a contact already; PUT changes it.", list(_taken(taken)))
    outcome = book.apply(row)
    return await _written(session, org_id, book, outcome)


async def change_contact(session: AsyncSession, org_id: UUID, contact_id: UUID, change: ContactFields) -> Contact:
    """Raises NotFound, Conflict when a new key is another contact's, Invalid when no key would be left."""
    await lock_contacts(session, org_id)
    contact = await get_contact(session, org_id, contact_id)
    book = _Book([contact, *await _named(session, org_id, [change])])
    others = {key: known for key, known in book.matches(change).items() if known.id != contact_id}
    if others:
        raise Conflict(ConflictCode.CONTACT_EXISTS, "Another contact has this already.", list(_taken(others)))
    outcome = book.change(book.by_id(contact_id), change)
    if outcome.errors:
        raise Invalid(outcome.errors[0].message, list(outcome.errors))
    return await _written(session, org_id, book, outcome)


async def put_contact(session: AsyncSession, org_id: UUID, row: ContactInput) -> tuple[Contact, Result]:
    """Raises Conflict when the row names two contacts, Invalid when the contact would not be valid any more."""
    (outcome,) = await upsert_contacts(session, org_id, [row])
    if outcome.errors and outcome.conflict:
        raise Conflict(ConflictCode.TWO_CONTACTS, outcome.errors[0].message, list(outcome.errors))
    if outcome.errors:
        raise Invalid(outcome.errors[0].message, list(outcome.errors))
    assert outcome.contact_id is not None  # noqa: S101 - only a failed row has none
    return await _fresh(session, org_id, outcome.contact_id), outcome.result


async def lock_contacts(session: AsyncSession, org_id: UUID) -> None:
    """One writer of an organization's contacts at a time, until the transaction ends.

    A contact has three unique keys, so two writers would otherwise run into each other's new rows, or into a deadlock. A
    bulk request of 4,000 rows holds it for about a second.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('contacts ' || :org, 0))"), {"org": str(org_id)})


class _Book:
    """The contacts that the rows can mean, by each of their keys."""

    def __init__(self, contacts: Iterable[Contact]) -> None:
        self.known: dict[UUID, Known] = {}
        self._by_key: dict[tuple[str, str], Known] = {}
        for contact in contacts:
            values = {name: getattr(contact, name) for name in VALUES}
            known = Known(contact.id, values, is_new=False, keys_before={key: values[key] for key in KEYS})
            self.known[contact.id] = known
            self._index(known)

    def by_id(self, contact_id: UUID) -> Known:
        return self.known[contact_id]

    def matches(self, row: ContactFields) -> dict[str, Known]:
        """Which contact each key of the row names."""
        found = {key: self._by_key.get((key, value)) for key in KEYS if (value := getattr(row, key)) is not None}
        return {key: known for key, known in found.items() if known is not None}

    def apply(self, row: ContactInput) -> Outcome:
        named = self.matches(row)
        ids = {known.id for known in named.values()}
        if len(ids) > 1:
            return Outcome("failed", errors=tuple(_taken(named, "This row names two contacts: ")), conflict=True)
        if ids:
            return self.change(self.by_id(ids.pop()), row)
        return self._create(row)

    def change(self, known: Known, row: ContactFields) -> Outcome:
        values = _merged(known.values, row)
        if errors := tuple(_errors(values)):
            return Outcome("failed", errors=errors)
        if _same(values, known.values):
            return Outcome("unchanged", known.id)
        self._forget(known)
        known.values, known.is_changed = values, True
        self._index(known)
        return Outcome("updated", known.id)

    def _create(self, row: ContactInput) -> Outcome:
        empty: dict[str, Any] = dict.fromkeys(VALUES) | {"tags": [], "properties": {}}
        known = Known(new_id(), _merged(empty, row), is_new=True)
        self.known[known.id] = known
        self._index(known)
        return Outcome("created", known.id)

    def _index(self, known: Known) -> None:
        self._by_key.update({(key, known.values[key]): known for key in KEYS if known.values[key] is not None})

    def _forget(self, known: Known) -> None:
        for key in KEYS:
            self._by_key.pop((key, known.values[key]), None)


def _merged(values: dict[str, Any], row: ContactFields) -> dict[str, Any]:
    given = row.given()
    properties = {**values["properties"], **given.pop("properties", {})}
    return {**values, **given, "properties": {name: value for name, value in properties.items() if value is not None}}


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """As JSON, where `true` is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _errors(values: dict[str, Any]) -> Iterable[FieldError]:
    """What only shows once the row and the stored contact are put together."""
    if not any(values[key] for key in KEYS):
        yield FieldError("external_id", "At least one of external_id, email and phone has to stay.")
    if properties_size(values["properties"]) > MAX_PROPERTIES_BYTES:
        yield FieldError("properties", "Together with the properties that the contact has, this is more than 16 KB.")


def _taken(named: dict[str, Known], begin: str = "") -> Iterable[FieldError]:
    for key, known in named.items():
        yield FieldError(key, f"{begin}{known.values[key]} is the contact {known.id}.")


async def _named(session: AsyncSession, org_id: UUID, rows: Sequence[ContactFields]) -> list[Contact]:
    """The stored contacts that any key of the rows names."""
    found: dict[UUID, Contact] = {}
    for key, statement in FIND.items():
        values = [value for row in rows if (value := getattr(row, key)) is not None]
        if values:
            contacts = await session.scalars(statement, {"org_id": org_id, "values": values})
            found.update({contact.id: contact for contact in contacts})
    return list(found.values())


async def _write(session: AsyncSession, org_id: UUID, known: dict[UUID, Known]) -> None:
    new = [each for each in known.values() if each.is_new]
    changed = [each for each in known.values() if each.is_changed and not each.is_new]
    if moved := [each.id for each in changed if _gives_up_a_key(each)]:
        # One row may take the key that another one gives up: first let go of all of them.
        release = "UPDATE contact SET external_id = NULL, email = NULL, phone = NULL WHERE id = ANY(CAST(:ids AS uuid[]))"
        await session.execute(text(release), {"ids": moved})
    if changed:
        await session.execute(UPDATE, {"now": now(), "rows": _rows(changed)})
    if new:
        await session.execute(INSERT, {"org_id": org_id, "now": now(), "rows": _rows(new)})


def _gives_up_a_key(known: Known) -> bool:
    return any(before is not None and before != known.values[key] for key, before in known.keys_before.items())


def _rows(contacts: Iterable[Known]) -> str:
    return json.dumps([{"id": str(each.id), **each.values} for each in contacts])


async def _written(session: AsyncSession, org_id: UUID, book: _Book, outcome: Outcome) -> Contact:
    await _write(session, org_id, book.known)
    assert outcome.contact_id is not None  # noqa: S101 - only a failed row has none
    return await _fresh(session, org_id, outcome.contact_id)


async def _fresh(session: AsyncSession, org_id: UUID, contact_id: UUID) -> Contact:
    """As it is stored now: the statements went past the session."""
    contact = await get_contact(session, org_id, contact_id)
    await session.refresh(contact)
    return contact


COLUMNS = ", ".join(VALUES)
# One look into the unique index for each value. As a plain join, the planner reads all contacts of the organization whenever its
# statistics are old, which they are during a large import.
FIND = {
    key: select(Contact).from_statement(
        text(
            f"""
            SELECT found.* FROM unnest(CAST(:values AS text[])) AS wanted (value)
            CROSS JOIN LATERAL (SELECT * FROM contact WHERE org_id = :org_id AND {key} = wanted.value LIMIT 1) AS found
            """  # noqa: S608 - the name of a column, from above
        )
    )
    for key in KEYS
}
UPDATE = text(
    f"""
    UPDATE contact SET updated_at = :now, {", ".join(f"{name} = new.{name}" for name in VALUES)}
    FROM jsonb_populate_recordset(CAST(NULL AS contact), CAST(:rows AS jsonb)) AS new
    WHERE contact.id = new.id
    """  # noqa: S608 - the names of columns, from above
)
INSERT = text(
    f"""
    INSERT INTO contact (id, org_id, created_at, updated_at, {COLUMNS})
    SELECT id, :org_id, :now, :now, {COLUMNS} FROM jsonb_populate_recordset(CAST(NULL AS contact), CAST(:rows AS jsonb))
    """  # noqa: S608 - the names of columns, from above
)
