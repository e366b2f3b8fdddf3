"""What a contact may be: the same for a request, a row of many and a line of a file."""

from typing import Any

import pytest

from models.base import new_id
from models.contact_input import ContactInput, read_contact


def wrong_fields(**contact: Any) -> list[str]:
    found = read_contact(contact)
    return [error.field for error in found] if isinstance(found, list) else []


def test_too_many_tags_are_counted_as_entries() -> None:
    found = read_contact({"email": "a@example.com", "tags": [f"t{n}" for n in range(101)]})
    assert isinstance(found, list)
    assert [error.message for error in found] == ["At most 100 entries are possible."]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": ""}, "email"),
        ({"email": f"{'x' * 250}@example.com"}, "email"),
        ({"email": 1}, "email"),
        ({"phone": "12025550123"}, "phone"),
        ({"phone": "015112345678"}, "phone"),
        ({"phone": "+1234"}, "phone"),
        ({"phone": "+1 202 555 01xx"}, "phone"),
        ({"phone": "+41446681800x12"}, "phone"),
        ({"phone": "+1202555012\u0663"}, "phone"),
        ({"phone": "+999123456789"}, "phone"),
        ({"phone": 12025550123}, "phone"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": " "}, "external_id"),
        ({"external_id": "x" * 256}, "external_id"),
        ({"external_id": "a\x00"}, "external_id"),
        ({"first_name": "\x00"}, "first_name"),
        ({"first_name": " "}, "first_name"),
        ({"last_name": "x" * 201}, "last_name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"tags": None}, "tags"),
        ({"tags": "newsletter"}, "tags"),
        ({"tags": ["ok", "a;b"]}, "tags[1]"),
        ({"tags": ["x" * 65]}, "tags[0]"),
        ({"tags": [" "]}, "tags[0]"),
        ({"tags": ["a\nb"]}, "tags[0]"),
        ({"tags": [f"t{n}" for n in range(101)]}, "tags"),
        ({"properties": None}, "properties"),
        ({"properties": []}, "properties"),
        ({"properties": {"two words": 1}}, "properties"),
        ({"properties": {"1st": 1}}, "properties"),
        ({"properties": {"x" * 64: 1}}, "properties"),
        ({"properties": {"x\n": 1}}, "properties"),
        ({"properties": {"a": {"b": ["\x00"]}}}, "properties"),
        ({"properties": {"a": {"\x00": 1}}}, "properties"),
        ({"properties": {"a": "x" * 16400}}, "properties"),
        ({"properties": {"a": "é" * 8200}}, "properties"),
        ({"nickname": "A"}, "nickname"),
        ({"id": str(new_id())}, "id"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field(change: dict[str, Any], field: str) -> None:
    assert wrong_fields(**{"external_id": "a", **change}) == [field]


@pytest.mark.parametrize("row", [{}, {"first_name": "Ada"}, {"email": None}, [], None, "ada@example.com", 7])
def test_what_names_nobody_is_refused_as_a_whole(row: Any) -> None:
    found = read_contact(row)
    assert isinstance(found, list)
    assert [error.field for error in found] == ["contact"]


def test_nesting_has_an_end() -> None:
    deep: Any = 1
    for _ in range(25):
        deep = [deep]
    assert wrong_fields(external_id="a", properties={"deep": deep}) == ["properties"]


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("email", "Ada.B@EXAMPLE.com", "ada.b@example.com"),
        ("email", "ada@demo.test", "ada@demo.test"),
        ("email", "ü@münchen.de", "ü@münchen.de"),
        ("phone", "+1 (202) 555-0123", "+12025550123"),
        ("phone", "+1 555 010 0123", "+15550100123"),
        ("phone", "+44 7700 900123", "+447700900123"),
        ("tags", [" vip ", "vip", "VIP"], ["vip", "VIP"]),
        ("tags", ["Größe: L", "हिन्दी", "日本", "a.b-c_d"], ["Größe: L", "हिन्दी", "日本", "a.b-c_d"]),
        ("properties", {"big": 10**30, "deep": [[1.5, True]]}, {"big": 10**30, "deep": [[1.5, True]]}),
    ],
)
def test_values_are_brought_into_one_form(field: str, given: Any, kept: Any) -> None:
    contact = read_contact({"external_id": "a", field: given})
    assert isinstance(contact, ContactInput), contact
    assert getattr(contact, field) == kept


def test_only_what_was_written_counts_as_given() -> None:
    contact = read_contact({"email": "ada@example.com", "phone": None})
    assert isinstance(contact, ContactInput)
    assert contact.given() == {"email": "ada@example.com", "phone": None}
