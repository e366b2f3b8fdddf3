"""What a contact may be: the same for a request, a row of many and a line of a file."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.base import new_id
from models.contacts import input as contact_input
from models.contacts.input import ContactInput, normal_email, normal_tag
from models.contacts.phone import normal_phone
from models.contacts.row import RowOptions, read_row
from models.errors import FieldError
from models.texts import text
from models.texts.plain_text import plain


def read_contact(raw: Any) -> ContactInput | list[FieldError]:
    row = read_row(raw)
    return list(row.errors) if row.errors or row.contact is None else row.contact


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
        ({"phone": "0049"}, "phone"),
        ({"phone": "4,91511E+12"}, "phone"),
        ({"default_country": "Germany"}, "default_country"),
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
        ({"tags": ["a/b"]}, "tags[0]"),
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


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("\u202a+1\u00a0202\u00a0555\u20110123\u202c", "+12025550123"),
        ("tel:+1-202-555-0123", "+12025550123"),
        ("＋１２０２５５５０１２３", "+12025550123"),
        ("+1202555012\u0663", "+12025550123"),
        ("'+1 202 555 0123", "+12025550123"),
        ("001 202 555 0123", "+12025550123"),
        ("0049 151 12345678", "+4915112345678"),
        ("+49 (0)151 12345678", "+4915112345678"),
        ("(+49) 151 12345678", "+4915112345678"),
        ("+49 \u2013 151 / 123.456\u00ad78", "+4915112345678"),
        ("+44 (0)7700 900123", "+447700900123"),
        ("+39 06 12345678", "+390612345678"),
    ],
)
def test_a_phone_number_is_the_same_whatever_it_was_pasted_from(pasted: str, kept: str) -> None:
    assert normal_phone(pasted) == kept


@pytest.mark.parametrize(
    ("written", "country", "kept"),
    [
        ("0151 12345678", "DE", "+4915112345678"),
        ("030 / 9012345", "DE", "+49309012345"),
        ("0049 151 12345678", "DE", "+4915112345678"),
        ("0049 151 12345678", "US", "+4915112345678"),
        ("0011 49 151 12345678", "AU", "+4915112345678"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("07700 900123", "GB", "+447700900123"),
        ("06 12345678", "IT", "+390612345678"),
        ("151 12345678", "DE", "+4915112345678"),
        ("+43 660 1234567", "DE", "+436601234567"),
    ],
)
def test_a_national_number_is_read_as_it_is_dialled_in_its_country(written: str, country: str, kept: str) -> None:
    assert normal_phone(written, country) == kept


@pytest.mark.parametrize(
    ("written", "country", "problem"),
    [
        ("0151 12345678", None, "no country code"),
        ("12345", "DE", "no such number"),
        ("555-0123", "US", "no such number"),
        ("49 151 12345678", "DE", "with and without"),
        ("4.91511E+12", "DE", "spreadsheet has rounded"),
    ],
)
def test_a_number_that_could_be_somebody_elses_is_refused(written: str, country: str | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        normal_phone(written, country)


@pytest.mark.parametrize(
    "pasted",
    [
        "ada@example.com.",
        "mailto:ada@example.com?subject=Hello",
        "MAILTO:ada%40example.com",
        "Ada Lovelace <Ada@Example.COM>",
        "\ufeffada@exam\u00adple.com\u00a0",
        "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "ada@example.com;",
    ],
)
def test_an_address_is_the_same_whatever_it_was_pasted_from(pasted: str) -> None:
    assert normal_email(pasted) == "ada@example.com"


@pytest.mark.parametrize("domain", ["münchen.de", "MU\u0308NCHEN.de", "xn--mnchen-3ya.de"])
def test_a_domain_is_the_same_in_every_spelling(domain: str) -> None:
    assert normal_email(f"ada@{domain}") == "ada@münchen.de"


@pytest.mark.parametrize("key", ["external_id", "tags"])
@pytest.mark.parametrize("pasted", ["Größe\u00a0 1", "Gro\u0308ße\u3000１", "\u200bGrö\u00adße 1\ufe0f", " Größe\t1 "])
def test_names_and_tags_are_the_same_whatever_they_were_pasted_from(key: str, pasted: str) -> None:
    contact = read_contact({"external_id": "a", key: [pasted] if key == "tags" else pasted})
    assert isinstance(contact, ContactInput), contact
    assert getattr(contact, key) in ("Größe 1", ["Größe 1"])


@given(st.text(max_size=12))
def test_a_normal_form_stays_as_it_is(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    for normal in (normal_tag, normal_email, normal_phone):
        try:
            found = normal(text)
        except ValueError:
            continue
        assert normal(found) == found


def test_squares_and_digits_are_different_names() -> None:
    assert plain("m²") != plain("m2")


def test_a_row_has_a_country_of_its_own() -> None:
    contact = read_contact({"phone": "0660 1234567", "default_country": "at"})
    assert isinstance(contact, ContactInput), contact
    assert contact.given() == {"phone": "+436601234567"}


@pytest.mark.parametrize(
    ("row", "match_on", "kept"),
    [
        ({"external_id": "a", "phone": "123"}, None, {"external_id": "a"}),
        ({"email": "a@b.com", "phone": "123", "first_name": "A"}, None, {"email": "a@b.com", "first_name": "A"}),
        ({"external_id": "a", "email": "nobody", "tags": [";"]}, None, {"external_id": "a"}),
        ({"phone": "+12025550123", "time_zone": "Mars"}, None, {"phone": "+12025550123"}),
        ({"email": "nobody", "phone": "+12025550123"}, None, None),
        ({"external_id": " ", "email": "a@b.com"}, None, None),
        ({"email": "nobody", "phone": "+12025550123"}, "phone", {"phone": "+12025550123"}),
        ({"external_id": "a", "phone": "123"}, "phone", None),
        ({"external_id": "a", "nickname": "A"}, None, None),
    ],
)
def test_a_row_is_read_without_what_cannot_be_read_if_it_says_who_it_is(row: Any, match_on: Any, kept: Any) -> None:
    read = read_row(row, RowOptions(match_on))
    assert (read.contact and read.contact.given()) == kept
    assert read.errors


def test_a_row_with_very_many_fields_or_tags_is_one_error() -> None:
    for row in ({f"f{n}": 1 for n in range(10_000)}, {"email": "a@b.com", "tags": [";"] * 10_000}):
        assert len(read_row(row).errors) == 1


def test_only_what_was_written_counts_as_given() -> None:
    contact = read_contact({"email": "ada@example.com", "phone": None})
    assert isinstance(contact, ContactInput)
    assert contact.given() == {"email": "ada@example.com", "phone": None}


def test_a_tag_of_a_megabyte_is_refused_before_anything_is_read_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_input, "plain", None)
    with pytest.raises(ValueError, match="1 to 64 letters"):
        normal_tag("a" + "\u0301\u0316" * 250_000)


def test_a_tag_with_much_that_cannot_be_seen_is_the_tag() -> None:
    assert normal_tag("vip" + "\u200b" * 900) == "vip"


@pytest.mark.parametrize("long", [" " * 2**20, "\u200b" * 300_000])
@pytest.mark.parametrize("kind", [contact_input.Name, contact_input.ExternalId, text.Name])
def test_a_name_of_a_megabyte_is_too_long_before_each_character_is_read(
    kind: Any, long: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_input, "is_blank", None)
    monkeypatch.setattr(text, "is_blank", None)
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(long)
    assert [each["type"] for each in refused.value.errors()] == ["too_long"]


@pytest.mark.parametrize("kind", [contact_input.Name, contact_input.ExternalId, text.Name])
def test_programs_are_told_how_long_a_name_may_be(kind: Any) -> None:
    assert TypeAdapter(kind).json_schema()["maxLength"] in (200, 255)
