"""What a team reads says who, what and how many, and nobody can use a name to say more."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications import text as text_module
from services.notifications.text import LONGEST, Bundle, Told, harmless, text_errors, who_they_are, write
from tracking.templates.template import SOMEBODY

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def told(name: str | None = "Ada", happened: str = "clicked", link: str | None = "offer", source: str | None = "Spring") -> Told:
    contact = None if name is None else {"first_name": name, "last_name": None, "external_id": None}
    return Told(UUID(int=1), contact, link, happened, AT, source, {})


def bundle(*items: Told, count: int | None = None) -> Bundle:
    return Bundle(items, len(items) if count is None else count, "Sales", "Example", "https://api.example.com")


@pytest.mark.parametrize(
    ("names", "count", "who"),
    [
        ([], 0, "Somebody"),
        (["Ada"], 1, "Ada"),
        (["Ada", "Grace"], 2, "Ada and Grace"),
        (["Ada", "Grace", "Bea"], 3, "Ada, Grace and 1 more"),
        (["Ada", "Grace", "Bea", "Cleo", "Dora"], 10_000, "Ada, Grace and 9,998 more"),
        (["Ada", "Ada"], 2, "Ada"),
        (["Ada", "Ada", "Grace"], 4, "Ada, Grace and 1 more"),
    ],
)
def test_two_are_named_and_the_others_counted(names: list[str], count: int, who: str) -> None:
    assert who_they_are(names, count) == who


@pytest.mark.parametrize(
    ("item", "title"),
    [
        (told(), "Ada clicked offer"),
        (told(link=None), "Ada clicked a link"),
        (told(happened="not_clicked"), "Ada did not click offer"),
        (told(happened="not_clicked", link=None), "Ada did not click any link"),
        (told(happened="reached", link=None), "Ada reached a step of Spring"),
        (told(happened="reached", link=None, source=None), "Ada reached a step"),
        (told(name=None), "Somebody clicked offer"),
    ],
)
def test_the_title_says_what_happened(item: Told, title: str) -> None:
    assert write(None, bundle(item)).title == title


def test_different_things_have_one_title() -> None:
    assert write(None, bundle(told(), told("Bea", link="demo"))).title == "Ada and Bea clicked or moved on"


def test_the_default_text_is_valid_and_names_five() -> None:
    written = write(None, bundle(*(told(f"P{number}") for number in range(5)), count=12))
    assert [line for line in written.text.splitlines() if line.startswith("- ")] == [
        *(f"- P{number} clicked offer (Spring), 2026-03-01 09:30 UTC" for number in range(5)),
        "- and 7 more",
    ]


@given(st.text(max_size=300))
def test_a_name_stays_one_short_line_and_calls_nobody(name: str) -> None:
    found = harmless(name)
    assert len(found.splitlines()) <= 1
    assert len(found) <= 160
    assert not any(call in found.lower() for call in ("@everyone", "@here", "@channel", "<"))


@pytest.mark.parametrize("call", ["@channel", "@HERE", "<!channel>", "<@U024BE7LH>", "@**all**", "@boss", "x@everyone", "(@all)"])
@pytest.mark.parametrize(
    ("template", "known"),
    [
        ("{{ contact.email }}", {"email": "CALL"}),
        ("{% for tag in contact.tags %}{{ tag }}{% endfor %}", {"tags": ["CALL"]}),
        ("{{ contact.tags | join: ' ' }}", {"tags": ["vip", "CALL"]}),
        ("{{ contact.properties.company }}", {"properties": {"company": "CALL"}}),
        ("{{ contact.properties.a[0].b }}", {"properties": {"a": [{"b": "CALL"}]}}),
        ("{% for each in contact.properties %}{{ each[0] }}{% endfor %}", {"properties": {"CALL": 1}}),
        ("{{ contact.properties }}", {"properties": {"a": ["CALL"]}}),
        ("{{ contact.first_name }}{{ contact.last_name }}", {"first_name": "@chan", "last_name": "nel"}),
    ],
)
def test_nothing_that_is_known_of_a_person_calls_anybody(template: str, known: dict[str, Any], call: str) -> None:
    given = json.loads(json.dumps(known).replace("CALL", call))
    person = replace(told(), contact={**SOMEBODY, **given})
    text = write(template, bundle(person)).text
    assert any(each in text for each in ("\u200b", repr("\u200b").strip("'"), "‹"))
    assert not any(each in text for each in (call, "<", "@channel"))


def test_what_calls_nobody_is_told_as_it_is() -> None:
    person = replace(told(), contact={**SOMEBODY, "properties": {"seats": 12, "paid": True, "plan": None, "site": "a.example"}})
    template = (
        "{{ contact.id }} {{ contact.email }} {{ contact.properties.seats | plus: 1 }} {{ contact.properties.paid }} <!here>"
    )
    assert write(template, bundle(person)).text == f"{SOMEBODY['id']} ada@example.com 13 true <!here>"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_whatever_a_person_is_called_the_team_is_told(name: str) -> None:
    written = write("{{ contact.first_name }} {{ who }}", bundle(told(name)))
    assert written.title
    assert written.text


def test_a_text_is_cut_where_a_chat_would_refuse_it() -> None:
    assert len(write("{{ who }}" + "x" * 10_000, bundle(told())).text) == LONGEST


@pytest.mark.parametrize(
    "template", ["{{ who }} {{ did }}", "{% for person in people %}{{ person.name }}{% endfor %}", "{{ contact.email }}"]
)
def test_documented_fields_can_be_used(template: str) -> None:
    assert text_errors(template, "text") == []


@pytest.mark.parametrize(
    "template", ["{{ people", "{{ nobody }}", "{{ links.offer }}", "{{ unsubscribe_url }}", "{% render 'x' %}"]
)
def test_what_cannot_be_filled_in_is_named_with_its_path(template: str) -> None:
    assert [error.field for error in text_errors(template, "triggers[0].actions[1].text")] == ["triggers[0].actions[1].text"]


def test_a_text_that_takes_too_long_is_refused_and_replaced_by_the_default_one(monkeypatch: pytest.MonkeyPatch) -> None:
    loops = "{% for a in (1..30) %}" * 2 + "{{ 'a' | append: title | upcase | size }}" * 40 + "{% endfor %}" * 2
    monkeypatch.setattr(text_module, "SECONDS", 0.002)
    (error,) = text_errors(loops, "text")
    assert "takes too long: more than 0.002 s" in error.message
    monkeypatch.setattr(text_module, "SECONDS", 0.02)
    assert write(loops, bundle(told())).text.startswith("Ada clicked offer")
