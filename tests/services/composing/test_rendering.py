"""A compiled message filled in for one contact: every fault names the part that it is in, whoever asks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import FieldError
from models.sequences.steps.message import MessageTemplate
from services.composing.rendering import Reader, Rendered, Texts, Unrenderable, render_message
from services.contents.compile_content import CompiledMessage, compile_message
from services.contents.fill_in import FillIn, fill_in

GOOD = {"subject": "Hello", "body": "Hello", "html": "<p>Hello</p>"}
PARTS = ["subject", "body", "html"]


def compiled(**parts: Any) -> CompiledMessage:
    message, errors = compile_message(MessageTemplate(**{**GOOD, **parts}), "message")
    assert message, errors
    return message


def reader(**properties: Any) -> Reader:
    return Reader({"first_name": "Ada", "external_id": "a 1", "properties": properties}, "Shop")


def rendered(message: CompiledMessage, tracked: bool = True, **properties: Any) -> Rendered:
    addresses = [f"https://l.test/{link.position}" for link in message.links]
    return render_message(message, message.links, reader(**properties), addresses if tracked else None)


def previewed(message: CompiledMessage, tracked: bool = True, **properties: Any) -> Texts | FieldError:
    return fill_in(FillIn(message, reader(**properties), "https://l.test/x" if tracked else None))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("template", "note", "why"),
    [
        ("{{ contact.properties.note | url_decode }}", "%00", "cannot be stored"),
        ("Hello {{ contact.properties.note | divided_by: 0 }}", "1", "divide by 0"),
        ("{% for a in contact.properties.note %}{{ a }}{% endfor %}", ["x"] * 1001, "more than 1,000 rounds"),
    ],
)
def test_a_fault_names_the_part_that_it_is_in(part: str, template: str, note: Any, why: str) -> None:
    message = compiled(**{part: template})
    with pytest.raises(Unrenderable, match=why) as caught:
        rendered(message, note=note)
    assert caught.value.field == part
    error = previewed(message, note=note)
    assert isinstance(error, FieldError)
    assert (error.field, why in error.message) == (f"message.{part}", True)


def test_a_fault_with_a_place_has_its_line_and_column_in_the_preview() -> None:
    error = previewed(compiled(subject="Hello {{ contact.properties.note | divided_by: 0 }}"), note="1")
    assert isinstance(error, FieldError)
    assert (error.field, error.line, error.column) == ("message.subject", 1, 36)


@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.parametrize(("links", "field"), [({}, "links"), ({"offer": None}, "links.offer")])
def test_an_address_that_leads_nowhere_is_found_whether_it_is_tracked_or_not(
    tracked: bool, links: dict[str, Any], field: str
) -> None:
    address = "https://{{ contact.properties.shop }}.example.com/"
    body = {"body": "{{ links.offer }}", "links": dict.fromkeys(links, address)} if links else {"body": address}
    message = compiled(**body, html=None)
    with pytest.raises(Unrenderable) as caught:
        rendered(message, tracked, shop="a b..")
    assert caught.value.field == field
    error = previewed(message, tracked, shop="a b..")
    assert isinstance(error, FieldError)
    assert error.field == f"message.{field}"


def test_a_text_without_words_is_no_message() -> None:
    with pytest.raises(Unrenderable, match="the text is empty for this contact") as caught:
        rendered(compiled(body=" {{ contact.properties.note }}\n"))
    assert caught.value.field == "body"


@given(st.text(st.characters(exclude_characters="\x00", codec="utf-8")))
def test_a_subject_stays_one_line_whatever_a_field_contains(note: str) -> None:
    subject = rendered(compiled(subject="{{ contact.properties.note }}"), note=note).texts.subject
    assert subject is not None
    assert len(subject.splitlines()) <= 1


def test_a_tracked_link_stands_for_a_destination_that_is_this_contacts_own() -> None:
    message = compiled(body="https://x.test/{{ contact.external_id }} https://y.test/", html=None)
    found = rendered(message)
    assert found.texts.body == "https://l.test/0 https://l.test/1"
    assert found.destinations == {0: "https://x.test/a%201"}


def test_an_untracked_message_shows_its_links_as_they_were_written_and_keeps_no_destination() -> None:
    message = compiled(body="HTTPS://X.test/{{ contact.external_id }} HTTPS://Y.test/", html=None)
    found = rendered(message, tracked=False)
    assert (found.texts.body, found.destinations) == ("https://x.test/a%201 HTTPS://Y.test/", {})


@pytest.mark.parametrize("tracked", [True, False])
def test_a_preview_shows_what_is_sent(tracked: bool) -> None:
    message = compiled(body="Dear {{ contact.first_name }}: {{ organization.name }}", subject="{{ contact.properties.note }}")
    assert previewed(message, tracked, note="a <b>\n") == rendered(message, tracked, note="a <b>\n").texts
