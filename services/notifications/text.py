"""What a team reads: a Liquid template, filled in for the first people of a notification and the number of the others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models.errors import FieldError
from services.contents.compile_content import field_error
from tracking.templates.budget import together
from tracking.templates.source import SourceError
from tracking.templates.template import LINKS, SOMEBODY, UNSUBSCRIBE, check_template, error_at, outer_variables, render

NAMED = 5
"""The people whose names a notification tells. The others are counted."""
SHOWN_IN_TITLE = 2
CALLS = re.compile(r"(?<!\w)@|@(?=everyone|here|channel|all\b)", re.IGNORECASE)
"""An @ that begins a word, or stands before what calls everybody. The @ of other mail addresses is left as it is."""
SECONDS = 0.1
"""Of the processor, for filling in one text. A usual one takes 0.001."""
LONGEST = 3_500
"""The characters of a notification. A chat tool cuts or refuses longer ones."""

FIELDS = ("title", "who", "did", "count", "more", "people", "link", "time", "place", "source", "conversation_url", "target")
"""The merge fields beside `contact` and `organization`. docs/notifications.md explains them."""

DEFAULT = """{{ title }}
{% for person in people %}
- {{ person.name }} {{ person.did }}{% if person.source and person.link.name %} ({{ person.source }}){% endif %}\
, {{ person.time }}\
{% if person.place.city or person.place.country %}, {{ person.place.city }} {{ person.place.country }}{% endif %}\
{% if person.place.device %}, {{ person.place.device }}{% endif %}
  {{ person.conversation_url }}
{%- endfor -%}
{% if more > 0 %}
- and {{ more }} more
{% endif %}"""


@dataclass(frozen=True)
class Told:
    """One item as its notification tells it. `contact` is what templates know of a contact, and None once it was erased."""

    contact_id: UUID
    contact: Mapping[str, Any] | None
    link_name: str | None
    happened: str
    happened_at: datetime
    source: str | None
    place: Mapping[str, Any]


@dataclass(frozen=True)
class Bundle:
    """The first items of a notification and how many there are in all."""

    items: Sequence[Told]
    count: int
    target: str
    organization: str
    console_url: str


@dataclass(frozen=True)
class Written:
    title: str
    text: str


def write(template: str | None, bundle: Bundle) -> Written:
    """A template that cannot be filled in for these people is replaced by the default one, because a team that hears nothing is
    worse off."""
    values = merge_values(bundle)
    try:
        text = _fill(template or DEFAULT, bundle, values)
    except SourceError:
        text = _fill(DEFAULT, bundle, values)
    return Written(str(values["title"]), text.strip()[:LONGEST] or str(values["title"]))


def merge_values(bundle: Bundle) -> dict[str, Any]:
    people = [_person(item, bundle.console_url) for item in bundle.items]
    first = people[0] if people else {}
    who = who_they_are([str(person["name"]) for person in people], bundle.count)
    alike = {str(person["did"]) for person in people}
    did = alike.pop() if len(alike) == 1 else "clicked or moved on"
    same = ("link", "time", "place", "source", "conversation_url")
    return {
        "who": who,
        "did": did,
        "title": f"{who} {did}",
        "count": bundle.count,
        "more": max(bundle.count - len(people), 0),
        "people": people,
        "target": {"name": bundle.target},
        **{name: first.get(name) for name in same},
    }


def who_they_are(names: Sequence[str], count: int) -> str:
    """Returns `Ada`, `Ada and Grace` or `Ada, Grace and 9,998 more`. A name that comes twice is said once."""
    shown = list(dict.fromkeys(names))[:SHOWN_IN_TITLE]
    told = sum(1 for name in names if name in shown)
    if count > told:
        return f"{', '.join(shown)} and {count - told:,} more"
    return " and ".join(shown) or "Somebody"


def _person(item: Told, console_url: str) -> dict[str, Any]:
    return {
        "name": harmless(_name(item.contact)),
        "did": _did(item),
        "link": {"name": item.link_name},
        "time": f"{item.happened_at:%Y-%m-%d %H:%M} UTC",
        "place": {name: harmless(str(value)) for name, value in item.place.items()},
        "source": harmless(item.source) if item.source else None,
        "conversation_url": f"{console_url}/contacts/{item.contact_id}",
    }


def _did(item: Told) -> str:
    match item.happened:
        case "not_clicked":
            return f"did not click {item.link_name or 'any link'}"
        case "reached":
            return f"reached a step of {harmless(item.source)}" if item.source else "reached a step"
        case _:
            return f"clicked {item.link_name or 'a link'}"


def _name(contact: Mapping[str, Any] | None) -> str:
    if contact is None:
        return "Somebody"
    full = " ".join(part for part in (contact.get("first_name"), contact.get("last_name")) if part)
    return str(full or contact.get("external_id") or "Somebody")


def harmless(text: str) -> str:
    """Returns the text in one line, at most 80 characters, in a form with which nobody can call everybody of a chat
    (`@channel`, `<!here>`, `@**all**`), or somebody in it, by what they say of themselves."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return CALLS.sub("@\u200b", line[:80]).replace("<", "‹").replace(">", "›")


def harmless_inside(value: Any) -> Any:
    """Returns the value with all texts in it harmless, also those of nested lists and objects, and their names."""
    match value:
        case str():
            return harmless(value)
        case Mapping():
            return {harmless(str(name)): harmless_inside(each) for name, each in value.items()}
        case list() | tuple():
            return [harmless_inside(each) for each in value]
        case _:
            return value


def _fill(template: str, bundle: Bundle, values: Mapping[str, Any]) -> str:
    contact = next((item.contact for item in bundle.items if item.contact), None) or {}
    with together(SECONDS):
        return render(template, contact=harmless_inside(contact), organization={"name": bundle.organization}, extra=values)


def text_errors(template: str, path: str) -> list[FieldError]:
    """Returns what is wrong with a template when it is saved. It is a pure function, which a judging process runs."""
    try:
        check_template(template, FIELDS)
        for variable in outer_variables(template):
            if variable.segments[0] in (LINKS, UNSUBSCRIBE):
                raise error_at(
                    template, variable.span.index, f"a notification has no {variable.segments[0]}; link.name is possible."
                )
        with together(SECONDS):
            render(template, contact=SOMEBODY, organization={"name": "Example"}, extra=merge_values(_example()))
    except SourceError as error:
        return [field_error(path, error)]
    return []


def _example() -> Bundle:
    nobody = UUID(int=0)
    at = datetime.fromisoformat("2026-03-01T09:00:00+00:00")
    place = {"country": "GB", "city": "London", "device": "phone"}
    return Bundle(
        [Told(nobody, SOMEBODY, "offer", "clicked", at, "Spring", place)], 1, "Sales", "Example", "https://api.example.com"
    )
