"""A campaign as the editor's form holds it, from what the API says and back to what it takes."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from starlette.datastructures import FormData

from console.forms import triggers
from console.forms.message import link_faults, message_of, typed_message, with_all_of_message
from console.forms.rows import add_row
from console.typed import comma_list, nested

Typed = dict[str, Any]

UTM = ("source", "medium", "campaign", "term", "content")
LISTS = ("segment_ids", "exclude_segment_ids", "contact_ids")


def empty(channel: str) -> Typed:
    """Returns the form of a campaign that nobody has begun."""
    return complete({"channel": channel, "link_tracking": "on"})


def read(form: FormData) -> Typed:
    """Returns what was typed, with everything that a form may leave out."""
    return complete(nested(form.multi_items()))


def complete(typed: Typed) -> Typed:
    """Adds what is missing, and takes away what has another form than the editor gives it."""
    audience = _object(typed.get("audience"))
    return {
        **{name: _text(typed.get(name)) for name in ("name", "channel", "link_tracking", "link_domain", "utm_overwrite")},
        "message": with_all_of_message(_object(typed.get("message"))),
        "audience": {
            **{name: _text(audience.get(name)) for name in ("tags", "exclude_tags")},
            **{name: [_text(each) for each in _list(audience.get(name))] for name in LISTS},
        },
        "utm": {name: _text(_object(typed.get("utm")).get(name)) for name in UTM},
        "triggers": triggers.complete(typed.get("triggers")),
    }


def typed_of(campaign: Mapping[str, Any]) -> Typed:
    """Returns the form of a campaign that the API has."""
    audience, utm = campaign["audience"], campaign["utm"] or {}
    return complete(
        {
            "name": campaign["name"],
            "channel": campaign["channel"],
            "message": typed_message(campaign["message"]),
            "audience": {**audience, **{name: ", ".join(audience[name]) for name in ("tags", "exclude_tags")}},
            "link_tracking": "" if campaign["link_tracking"] is False else "on",
            "link_domain": campaign["link_domain"],
            "utm": utm,
            "utm_overwrite": "on" if campaign["utm_overwrite"] else "",
            "triggers": triggers.typed(campaign["triggers"]),
        }
    )


def request_of(typed: Typed, media: Mapping[str, str]) -> dict[str, Any]:
    """Returns the body for the API. `media` are the media of channels by their names."""
    audience = typed["audience"]
    utm = {name: value for name, value in typed["utm"].items() if value}
    return {
        **message_request_of(typed, media),
        "name": typed["name"],
        "audience": {
            **{name: comma_list(audience[name]) for name in ("tags", "exclude_tags")},
            **{name: [each for each in audience[name] if each] for name in LISTS},
        },
        "utm": utm or None,
        "triggers": triggers.triggers_of(typed["triggers"], media),
    }


def message_request_of(typed: Typed, media: Mapping[str, str]) -> dict[str, Any]:
    """Returns those parts on which the message depends, for its preview."""
    utm = {name: value for name, value in typed["utm"].items() if value}
    return {
        "channel": typed["channel"],
        "message": message_of(typed["message"], media.get(typed["channel"])),
        "link_tracking": None if typed["link_tracking"] else False,
        "link_domain": typed["link_domain"] or None,
        "utm": utm or None,
        "utm_overwrite": bool(typed["utm_overwrite"]),
    }


def change(typed: Typed, wanted: str) -> bool:
    """Does what one of the form's buttons says, such as `add-segment` or `remove-link:0`. Returns False for a button that is not
    one of these."""
    verb, numbers = triggers.button(wanted)
    if verb not in CHANGES or (verb in triggers.CHANGES and len(numbers) > 1):
        return triggers.change(typed["triggers"], wanted)
    with suppress(IndexError, TypeError):  # a place that the form does not have: it is shown as it is
        CHANGES[verb](typed, *numbers)
    return True


def without_blanks(typed: Typed) -> None:
    """Takes away the rows in which nothing was chosen or typed, so that the places of faults are those of the rows."""
    for name in LISTS:
        typed["audience"][name] = [each for each in typed["audience"][name] if each]
    for message in messages_of(typed):
        message["links"] = [each for each in message["links"] if each["name"].strip() or each["url"].strip()]


def messages_of(typed: Typed) -> list[dict[str, Any]]:
    """Returns the campaign's message and those of its actions."""
    return [typed["message"], *triggers.messages_of(typed["triggers"])]


def faults_of_links(typed: Typed) -> dict[str, str]:
    """Returns the faults that the API cannot see: links without a name, and two of one name."""
    return link_faults(typed["message"], "message") | triggers.faults_of_links(typed["triggers"])


CHANGES: dict[str, Callable[..., Any]] = {
    "add-link": lambda typed: add_row("links", typed["message"]["links"], {"name": "", "url": ""}),
    "remove-link": lambda typed, place: typed["message"]["links"].pop(place),
    "add-segment": lambda typed: add_row("segment_ids", typed["audience"]["segment_ids"], ""),
    "remove-segment": lambda typed, place: typed["audience"]["segment_ids"].pop(place),
    "add-exclusion": lambda typed: add_row("exclude_segment_ids", typed["audience"]["exclude_segment_ids"], ""),
    "remove-exclusion": lambda typed, place: typed["audience"]["exclude_segment_ids"].pop(place),
    "remove-contact": lambda typed, place: typed["audience"]["contact_ids"].pop(place),
}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
