"""Decides which contact a row means, by one rule, so that an upsert never turns one person into another.

Keys have an order: `external_id`, `email`, `phone`. The strongest key of the row that finds a contact decides. Weaker keys are
then values, which may change. A stronger key that the row gives may be added to the contact, but replaces nothing: a phone number
that finds a contact with another external id is somebody else's, or a number that has moved, and only the caller knows which.
With `match_on` the caller names the one key that finds contacts, and every other key is a value. A key that belongs to another
contact than the one that was found is a conflict in every case.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from models.base import new_id
from models.contacts.contact import Contact
from models.contacts.input import KEYS, MAX_PROPERTIES_BYTES, MAX_TAGS, ContactFields, ContactInput, keys_of, properties_size
from models.contacts.row import Key
from models.errors import ConflictCode, FieldError

VALUES = (*KEYS, "first_name", "last_name", "time_zone", "tags", "properties")

Result = Literal["created", "updated", "unchanged", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of one row. `contact_id` is None when it failed; otherwise `errors` name what was left out of it. `conflict` is
    set when a key is another person's."""

    result: Result
    contact_id: UUID | None = None
    errors: tuple[FieldError, ...] = ()
    conflict: ConflictCode | None = None

    @property
    def is_incomplete(self) -> bool:
        """Whether it was written without a field that could not be read."""
        return self.result != "failed" and bool(self.errors)


@dataclass
class Known:
    """A contact as it will be when the rows so far are written."""

    id: UUID
    values: dict[str, Any]
    is_new: bool
    keys_before: dict[str, Any] = field(default_factory=dict)
    is_changed: bool = False


class ContactIndex:
    """The contacts that the rows can mean, by each of their keys. `match_on` names the one key that finds contacts. With None,
    the order of the keys decides."""

    def __init__(self, contacts: Iterable[Contact], match_on: Key | None = None, *, shared_mailboxes: bool = False) -> None:
        self.known: dict[UUID, Known] = {}
        self._match_on = match_on
        self._keys = keys_of(shared_mailboxes)
        self._by_key: dict[tuple[str, str], Known] = {}
        for contact in contacts:
            values = {name: getattr(contact, name) for name in VALUES}
            known = Known(contact.id, values, is_new=False, keys_before={key: values[key] for key in KEYS})
            self.known[contact.id] = known
            self._index(known)

    def by_id(self, contact_id: UUID) -> Known:
        return self.known[contact_id]

    def matches(self, row: ContactFields) -> dict[str, Known]:
        """Returns which contact each key of the row names, strongest key first."""
        found = {key: self._by_key.get((key, value)) for key in self._keys if (value := getattr(row, key)) is not None}
        return {key: known for key, known in found.items() if known is not None}

    def apply(self, row: ContactInput) -> Outcome:
        if error := self._cannot_find(row):
            return Outcome("failed", errors=(error,))
        named = self.matches(row)
        if len({known.id for known in named.values()}) > 1:
            errors = tuple(taken(named, ", but the keys given here belong to more than one contact"))
            return Outcome("failed", errors=errors, conflict=ConflictCode.TWO_CONTACTS)
        if self._match_on is not None:
            return self._apply_to(row, named, self._match_on)
        found = next(iter(named.values()), None)
        if found is None:
            return self._create(row)
        if kept := self._stronger_key_kept(found, row, next(iter(named))):
            return _conflict(named, f", whose {kept} is {found.values[kept]}")
        return self.change(found, row)

    def change(self, known: Known, row: ContactFields) -> Outcome:
        values = _merged(known.values, row)
        if errors := tuple(_errors(known.values, values)):
            return Outcome("failed", errors=errors)
        if _same(values, known.values):
            return Outcome("unchanged", known.id)
        self._forget(known)
        known.values, known.is_changed = values, True
        self._index(known)
        return Outcome("updated", known.id)

    def _apply_to(self, row: ContactInput, named: dict[str, Known], match_on: Key) -> Outcome:
        if getattr(row, match_on) is None:
            return Outcome("failed", errors=(FieldError(match_on, "match_on says that this key finds the contact: give it."),))
        if match_on in named:
            return self.change(named[match_on], row)
        return _conflict(named, f", and no contact has this {match_on}") if named else self._create(row)

    def _create(self, row: ContactInput) -> Outcome:
        empty: dict[str, Any] = dict.fromkeys(VALUES) | {"tags": [], "properties": {}}
        known = Known(new_id(), _merged(empty, row), is_new=True)
        self.known[known.id] = known
        self._index(known)
        return Outcome("created", known.id)

    def _cannot_find(self, row: ContactInput) -> FieldError | None:
        """Where contacts share mailboxes, an address says nothing about who a row is."""
        if self._match_on is not None and self._match_on not in self._keys:
            return FieldError(self._match_on, "Contacts share mailboxes here: match on external_id or phone.")
        if all(getattr(row, key) is None for key in self._keys):
            return FieldError(
                "external_id", "Contacts share mailboxes here, so an address names nobody: give external_id or phone."
            )
        return None

    def _stronger_key_kept(self, known: Known, row: ContactFields, found_by: str) -> str | None:
        """Returns the key, stronger than the one that found the contact, that the row would replace or remove."""
        for key in self._keys[: self._keys.index(found_by)]:
            if key in row.model_fields_set and known.values[key] not in (None, getattr(row, key)):
                return key
        return None

    def _index(self, known: Known) -> None:
        self._by_key.update({(key, known.values[key]): known for key in self._keys if known.values[key] is not None})

    def _forget(self, known: Known) -> None:
        for key in self._keys:
            self._by_key.pop((key, known.values[key]), None)


def taken(named: dict[str, Known], end: str = "") -> Iterable[FieldError]:
    """Returns one error for each key, with the contact that has it."""
    for key, known in named.items():
        yield FieldError(key, f"{known.values[key]} is the contact {known.id}{end}.", contact_id=known.id)


def _conflict(named: dict[str, Known], end: str) -> Outcome:
    return Outcome("failed", errors=tuple(taken(named, end)), conflict=ConflictCode.KEY_OF_ANOTHER)


def _merged(values: dict[str, Any], row: ContactFields) -> dict[str, Any]:
    given = row.given()
    properties = {**values["properties"], **given.pop("properties", {})}
    given["tags"] = row.tags_of(values["tags"])
    return {**values, **given, "properties": {name: value for name, value in properties.items() if value is not None}}


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Compares values. Properties are compared as JSON, where `true` is not 1; everything else is text."""
    return one == other and (not one["properties"] or _as_json(one) == _as_json(other))


def _as_json(values: dict[str, Any]) -> str:
    return json.dumps(values["properties"], sort_keys=True)


def _errors(before: dict[str, Any], values: dict[str, Any]) -> Iterable[FieldError]:
    """Finds problems that only show once the row and the stored contact are put together."""
    if len(values["tags"]) > max(MAX_TAGS, len(before["tags"])):
        yield FieldError("tags_add", f"Together with the tags that the contact has, these are more than {MAX_TAGS}.")
    if not any(values[key] for key in KEYS):
        yield FieldError("external_id", "At least one of external_id, email and phone has to stay.")
    if properties_size(values["properties"]) > MAX_PROPERTIES_BYTES:
        yield FieldError("properties", "Together with the properties that the contact has, this is more than 16 KB.")
