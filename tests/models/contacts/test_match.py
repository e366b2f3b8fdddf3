"""Which contact a row means: one rule, held against a naive reading of it over invented rows."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import new_id
from models.contacts.contact import Contact
from models.contacts.input import KEYS, ContactInput
from models.contacts.match import ContactIndex, Outcome
from models.contacts.row import Key
from models.errors import ConflictCode

ORG = new_id()
E1, E2 = "one@example.com", "two@example.com"
P1, P2 = "+12025550101", "+12025550102"


def index(*contacts: dict[str, Any], match_on: Key | None = None) -> ContactIndex:
    return ContactIndex([Contact(org_id=ORG, **each) for each in contacts], match_on)


def ids(outcome: Outcome) -> list[tuple[str, UUID | None]]:
    return [(error.field, error.contact_id) for error in outcome.errors]


@pytest.mark.parametrize(
    ("stored", "row", "field"),
    [
        ({"external_id": "A", "phone": P1}, {"external_id": "B", "phone": P1}, "phone"),
        ({"external_id": "A", "email": E1}, {"external_id": "B", "email": E1}, "email"),
        ({"email": E1, "phone": P1}, {"email": E2, "phone": P1}, "phone"),
        ({"external_id": "A", "email": E1}, {"external_id": None, "email": E1}, "email"),
        ({"email": E1, "phone": P1}, {"email": None, "phone": P1}, "phone"),
    ],
)
def test_a_weaker_key_never_replaces_a_stronger_one(stored: dict[str, Any], row: dict[str, Any], field: str) -> None:
    known = index(stored)
    (contact,) = known.known.values()
    before = dict(contact.values)
    outcome = known.apply(ContactInput(**row, first_name="Eve"))
    assert (outcome.result, outcome.conflict) == ("failed", ConflictCode.KEY_OF_ANOTHER)
    assert ids(outcome) == [(field, contact.id)]
    assert contact.values == before


@pytest.mark.parametrize(
    ("stored", "row"),
    [
        ({"external_id": "A", "email": E1}, {"external_id": "A", "email": E2}),
        ({"email": E1, "phone": P1}, {"email": E1, "phone": P2}),
        ({"email": E1}, {"external_id": "A", "email": E1}),
        ({"phone": P1}, {"external_id": "A", "email": E1, "phone": P1}),
        ({"external_id": "A", "email": E1}, {"external_id": "A", "email": None}),
    ],
)
def test_a_stronger_key_gives_weaker_ones_and_a_new_one_is_added(stored: dict[str, Any], row: dict[str, Any]) -> None:
    known = index(stored)
    (contact,) = known.known.values()
    outcome = known.apply(ContactInput(**row))
    assert (outcome.result, outcome.contact_id) == ("updated", contact.id)
    assert {key: contact.values[key] for key in row} == row


def test_keys_of_two_contacts_are_a_conflict_that_names_both() -> None:
    known = index({"external_id": "A"}, {"phone": P1})
    one, two = known.known
    outcome = known.apply(ContactInput(external_id="A", phone=P1))
    assert (outcome.conflict, ids(outcome)) == (ConflictCode.TWO_CONTACTS, [("external_id", one), ("phone", two)])


def test_the_caller_can_say_that_the_phone_number_decides() -> None:
    known = index({"external_id": "A", "phone": P1}, match_on="phone")
    (contact,) = known.known.values()
    assert known.apply(ContactInput(external_id="B", phone=P1)).contact_id == contact.id
    assert contact.values["external_id"] == "B"


def test_the_key_that_the_caller_names_has_to_be_given() -> None:
    outcome = index(match_on="external_id").apply(ContactInput(email=E1))
    assert (outcome.result, outcome.conflict, ids(outcome)) == ("failed", None, [("external_id", None)])


def test_with_match_on_another_key_never_finds_anybody() -> None:
    known = index({"email": E1}, match_on="external_id")
    (contact_id,) = known.known
    outcome = known.apply(ContactInput(external_id="new", email=E1))
    assert (outcome.conflict, ids(outcome)) == (ConflictCode.KEY_OF_ANOTHER, [("email", contact_id)])


def test_rows_of_one_request_can_be_in_conflict_with_each_other() -> None:
    known = index()
    first, second = (known.apply(ContactInput(external_id=each, phone=P1)) for each in "AB")
    assert (first.result, second.result, ids(second)) == ("created", "failed", [("phone", first.contact_id)])


Row = dict[str, str | None]
VALUES = {"external_id": ["A", "B", "C"], "email": [E1, E2], "phone": [P1, P2]}
ROWS = st.fixed_dictionaries({}, optional={key: st.sampled_from([*values, None]) for key, values in VALUES.items()})


def naive(people: list[Row], row: Row, match_on: Key | None) -> Row | None:
    """The rule of the documentation, read as slowly as possible: the person who is changed or made, or None for a failed row."""
    named = [person for key in KEYS for person in people if row.get(key) is not None and person[key] == row[key]]
    if any(person is not named[0] for person in named):
        return None
    if match_on is not None:
        if row.get(match_on) is None or (named and named[0][match_on] != row[match_on]):
            return None
    elif named:
        strongest = next(key for key in KEYS if row.get(key) is not None and named[0][key] == row[key])
        for key in KEYS[: KEYS.index(strongest)]:
            if key in row and named[0][key] is not None:
                return None
    person: Row = named[0] if named else dict.fromkeys(KEYS)
    if not named:
        people.append(person)
    person.update(row)
    return person


@given(st.lists(ROWS.filter(lambda row: any(row.values())), max_size=12), st.sampled_from([None, *KEYS]))
def test_rows_do_what_the_documented_rule_says(rows: list[Row], match_on: Key | None) -> None:
    known, people, seen = index(match_on=match_on), list[Row](), dict[int, UUID]()
    for row in rows:
        outcome, person = known.apply(ContactInput(**row)), naive(people, row, match_on)
        assert (outcome.result == "failed") == (person is None), (row, outcome)
        if person is not None and outcome.contact_id is not None:
            assert seen.setdefault(id(person), outcome.contact_id) == outcome.contact_id
    assert [{key: each.values[key] for key in KEYS} for each in known.known.values()] == people
