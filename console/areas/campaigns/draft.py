"""A campaign as the editor's form holds it, from what the API says and back to what it takes."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from starlette.datastructures import FormData

from console.areas.campaigns import draft_actions
from console.areas.campaigns.draft_message import link_faults, message_of, typed_message, with_all_of_message
from console.typed import comma_list, duration_of, nested, typed_duration

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
    triggers = [_object(each) for each in _list(typed.get("triggers"))]
    return {
        **{name: _text(typed.get(name)) for name in ("name", "channel", "link_tracking", "link_domain", "utm_overwrite")},
        "message": with_all_of_message(_object(typed.get("message"))),
        "audience": {
            **{name: _text(audience.get(name)) for name in ("tags", "exclude_tags")},
            **{name: [_text(each) for each in _list(audience.get(name))] for name in LISTS},
        },
        "utm": {name: _text(_object(typed.get("utm")).get(name)) for name in UTM},
        "triggers": [
            {
                **{name: _text(each.get(name)) for name in ("key", "when", "link", "times", "segment_id", "add")},
                "within": {name: _text(_object(each.get("within")).get(name)) for name in ("number", "unit")},
                "actions": [draft_actions.complete(_object(action)) for action in _list(each.get("actions"))],
            }
            for each in triggers
        ],
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
            "triggers": [
                {
                    **each,
                    "times": str(each["times"]),
                    "within": typed_duration(each["within"]),
                    "actions": [draft_actions.typed(action) for action in each["actions"]],
                }
                for each in campaign["triggers"]
            ],
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
        "triggers": [_trigger(each, media) for each in typed["triggers"]],
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


def _trigger(typed: Typed, media: Mapping[str, str]) -> dict[str, Any]:
    silent = typed["when"] == "not_clicked"
    return {
        "key": typed["key"],
        "when": "not_clicked" if silent else "clicked",
        "link": typed["link"] or None,
        **({} if silent else {"times": draft_actions.number(typed["times"] or "1")}),
        "within": duration_of(typed["within"]),
        "segment_id": typed["segment_id"] or None,
        "actions": [draft_actions.action(each, media) for each in typed["actions"]],
    }


def change(typed: Typed, wanted: str) -> bool:
    """Does what one of the form's buttons says, such as `remove-trigger:0` or `add-action:1`. Returns False for a button that is
    not one of these."""
    verb, _, place = wanted.partition(":")
    numbers = [int(each) for each in place.split(".") if each.isascii() and each.isdecimal() and len(each) < 4]
    if verb not in CHANGES:
        return False
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
    return [typed["message"], *(action["message"] for each in typed["triggers"] for action in each["actions"])]


def faults_of_links(typed: Typed) -> dict[str, str]:
    """Returns the faults that the API cannot see: links without a name, and two of one name."""
    found = link_faults(typed["message"], "message")
    for place, trigger in enumerate(typed["triggers"]):
        for number, action in enumerate(trigger["actions"]):
            found |= link_faults(action["message"], f"triggers[{place}].actions[{number}].message")
    return found


def _add_trigger(typed: Typed) -> None:
    taken = {each["key"] for each in typed["triggers"]}
    key = next(name for name in (f"trigger_{number}" for number in range(1, len(taken) + 2)) if name not in taken)
    new = {"key": key, "when": "clicked", "times": "1", "actions": [draft_actions.new("tag")]}
    typed["triggers"] = complete({"triggers": [*typed["triggers"], new]})["triggers"]


def _add_action(typed: Typed, trigger: int) -> None:
    wanted = typed["triggers"][trigger]
    wanted["actions"].append(draft_actions.complete(draft_actions.new(wanted["add"])))


def _raise_action(typed: Typed, trigger: int, action: int) -> None:
    actions = typed["triggers"][trigger]["actions"]
    if action:
        actions.insert(action - 1, actions.pop(action))


def _links(typed: Typed, *action: int) -> list[dict[str, str]]:
    """Returns the links of the campaign's message, or of the message of an action."""
    message = typed["triggers"][action[0]]["actions"][action[1]]["message"] if action else typed["message"]
    links: list[dict[str, str]] = message["links"]
    return links


CHANGES: dict[str, Callable[..., Any]] = {
    "add-link": lambda typed, *action: _links(typed, *action).append({"name": "", "url": ""}),
    "remove-link": lambda typed, *place: _links(typed, *place[:-1]).pop(place[-1]),
    "add-segment": lambda typed: typed["audience"]["segment_ids"].append(""),
    "remove-segment": lambda typed, place: typed["audience"]["segment_ids"].pop(place),
    "add-exclusion": lambda typed: typed["audience"]["exclude_segment_ids"].append(""),
    "remove-exclusion": lambda typed, place: typed["audience"]["exclude_segment_ids"].pop(place),
    "remove-contact": lambda typed, place: typed["audience"]["contact_ids"].pop(place),
    "add-trigger": _add_trigger,
    "remove-trigger": lambda typed, place: typed["triggers"].pop(place),
    "add-action": _add_action,
    "remove-action": lambda typed, trigger, action: typed["triggers"][trigger]["actions"].pop(action),
    "raise-action": _raise_action,
}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
