"""The triggers of a campaign, of a sequence or of a step as their form holds them: from what the API says and back to what it
takes, and what the buttons of the form change."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from console.forms import actions
from console.forms.message import link_faults
from console.forms.rows import add_row
from console.typed import duration_of, typed_duration

Typed = dict[str, Any]

_TEXTS = ("key", "when", "link", "times", "segment_id", "add")
_OF_LIST = re.compile(r"(.*\btags)\[\d+\]")
_OF_MESSAGE = re.compile(r"(.*\.)?message")
AT_A_FIELD = (
    r"triggers\[\d+\](\.(key|link|times|within|segment_id|actions"
    r"|actions\[\d+\]\.(kind|tags|channel|sequence_id|variables|field|value|target|text|step"
    r"|message\.(kind|subject|body|html|valid_for|links[.\[].*))))?"
)
"""The names of the fields at which the form shows a fault."""


def complete(given: Any) -> list[Typed]:
    """Adds what is missing to what was typed, and takes away what has another form than the form gives it."""
    return [_complete(_object(each)) for each in _list(given)]


def _complete(trigger: Typed) -> Typed:
    within = _object(trigger.get("within"))
    return {
        **{name: _text(trigger.get(name)) for name in _TEXTS},
        "within": {name: _text(within.get(name)) for name in ("number", "unit")},
        "actions": [actions.complete(_object(each)) for each in _list(trigger.get("actions"))],
    }


def typed(triggers: Sequence[Mapping[str, Any]]) -> list[Typed]:
    """Returns the form of triggers that the API has."""
    return complete(
        [
            {
                **each,
                "times": str(each["times"]),
                "within": typed_duration(each["within"]),
                "actions": [actions.typed(action) for action in each["actions"]],
            }
            for each in triggers
        ]
    )


def triggers_of(typed: Sequence[Typed], media: Mapping[str, str]) -> list[dict[str, Any]]:
    """Returns the triggers for the API. `media` are the media of channels by their names."""
    return [_trigger(each, media) for each in typed]


def _trigger(typed: Typed, media: Mapping[str, str]) -> dict[str, Any]:
    silent = typed["when"] == "not_clicked"
    return {
        "key": typed["key"],
        "when": "not_clicked" if silent else "clicked",
        "link": typed["link"] or None,
        **({} if silent else {"times": actions.number(typed["times"] or "1")}),
        "within": duration_of(typed["within"]),
        "segment_id": typed["segment_id"] or None,
        "actions": [actions.action(each, media) for each in typed["actions"]],
    }


def messages_of(typed: Sequence[Typed]) -> list[dict[str, Any]]:
    """Returns the messages of the actions; those of other kinds than `send` are empty."""
    return [action["message"] for each in typed for action in each["actions"]]


def faults_of_links(typed: Sequence[Typed]) -> dict[str, str]:
    """Returns the faults that the API cannot see: links without a name, and two of one name."""
    found: dict[str, str] = {}
    for place, trigger in enumerate(typed):
        for number, action in enumerate(trigger["actions"]):
            found |= link_faults(action["message"], f"triggers[{place}].actions[{number}].message")
    return found


def field_of(name: str) -> str:
    """Returns the field at which a fault is shown: one of a tag stands at its list, and one of a whole message at its text."""
    if listed := _OF_LIST.fullmatch(name):
        return listed[1]
    return f"{name}.body" if _OF_MESSAGE.fullmatch(name) else name


def change(typed: list[Typed], wanted: str, channel: str = "") -> bool:
    """Does what one of the form's buttons says, such as `remove-trigger:0` or `add-action:1`. Returns False for a button that is
    not one of these. A new message goes by the `channel`."""
    verb, numbers = button(wanted)
    if verb == "add-action":
        numbers.append(channel)
    if verb not in CHANGES:
        return False
    with suppress(IndexError, TypeError):  # a place that the form does not have: it is shown as it is
        CHANGES[verb](typed, *numbers)
    return True


def button(wanted: str) -> tuple[str, list[Any]]:
    """Returns what a button does, and the places at which: `remove-action:1.0` is ("remove-action", [1, 0])."""
    verb, _, place = wanted.partition(":")
    return verb, [int(each) for each in place.split(".") if each.isascii() and each.isdecimal() and len(each) < 4]


def _add_trigger(typed: list[Typed]) -> None:
    taken = {each["key"] for each in typed}
    key = next(name for name in (f"trigger_{number}" for number in range(1, len(taken) + 2)) if name not in taken)
    (new,) = complete([{"key": key, "when": "clicked", "times": "1", "actions": [actions.new("tag")]}])
    add_row("triggers", typed, new)


def _add_action(typed: list[Typed], trigger: int, channel: str) -> None:
    new = actions.new(typed[trigger]["add"])
    whole = actions.complete({**new, "channel": channel if new["kind"] == "send" else ""})
    add_row("actions", typed[trigger]["actions"], whole)


def _raise_action(typed: list[Typed], trigger: int, action: int) -> None:
    does = typed[trigger]["actions"]
    if action:
        does.insert(action - 1, does.pop(action))


def _links(typed: list[Typed], trigger: int, action: int) -> list[dict[str, str]]:
    links: list[dict[str, str]] = typed[trigger]["actions"][action]["message"]["links"]
    return links


CHANGES: dict[str, Callable[..., Any]] = {
    "choices": lambda *_: None,  # the page shows the whole list of one field
    "add-link": lambda typed, *action: add_row("links", _links(typed, *action), {"name": "", "url": ""}),
    "remove-link": lambda typed, *place: _links(typed, *place[:-1]).pop(place[-1]),
    "add-trigger": _add_trigger,
    "remove-trigger": lambda typed, place: typed.pop(place),
    "add-action": _add_action,
    "remove-action": lambda typed, trigger, action: typed[trigger]["actions"].pop(action),
    "raise-action": _raise_action,
}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> Typed:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
