"""The form of the triggers of a sequence or of a step, over their YAML: what it shows of it, what was sent, and what it writes.

A form shows triggers only when it would write the same again, so that it never loses what somebody has written by hand.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from console.areas.sequences.yaml_definition import ACTION, MESSAGE, TRIGGER, short_trigger
from console.forms import triggers
from console.forms.rows import are_too_many
from console.forms.triggers import Typed
from console.typed import canonical_duration, nested

WITH_TRIGGERS = ("send",)
"""The kinds of steps that have triggers."""
DURATIONS = ("within", "valid_for")


@dataclass(frozen=True)
class Sent:
    """What a page sent of the triggers of one `owner`: `q` for the sequence, `s1` for a step. `is_changed` says whether that is
    something else than it was shown with. `pressed` is the button of this form that was pressed, or empty."""

    typed: list[Typed]
    is_changed: bool
    pressed: str


def shown(value: Any) -> list[Typed] | None:
    """Returns the form of triggers as a draft has them, or None for what a form cannot show, or not all of."""
    if value in (None, []):
        return []
    try:
        if are_too_many(value):
            return None
        form = triggers.typed([_whole(each) for each in value])
        again = written(form, {})
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return form if _comparable(again) == _comparable([short_trigger(each) for each in value]) else None


def written(form: list[Typed], media: Mapping[str, str]) -> list[Any]:
    """Returns the triggers as the YAML has them. `media` are the media of channels by their names."""
    return [short_trigger(each) for each in triggers.triggers_of(form, media)]


def sent(fields: Mapping[str, str], owner: str) -> Sent | None:
    """Returns None when the page has no such form."""
    was = fields.get(f"{owner}.triggers.seal")
    if not was:
        return None
    begin = f"{owner}.triggers["
    own = [(name[len(owner) + 1 :], value) for name, value in fields.items() if name.startswith(begin)]
    form = triggers.complete(nested(own).get("triggers"))
    before, _, pressed = fields.get("do", "").partition(".")
    return Sent(form, seal(form) != was, pressed if before == owner else "")


def seal(form: list[Typed]) -> str:
    """Says what a form held. Which kind of action is to be added next is no part of it."""
    held = [{name: value for name, value in each.items() if name != "add"} for each in form]
    return sha256(json.dumps(held).encode(errors="replace")).hexdigest()[:16]


def _whole(trigger: Mapping[str, Any]) -> dict[str, Any]:
    """With everything that goes without saying."""
    does = [_whole_action(each) for each in trigger.get("actions", [])]
    return {**TRIGGER, **trigger, "within": canonical_duration(trigger.get("within")), "actions": does}


def _whole_action(action: Mapping[str, Any]) -> dict[str, Any]:
    whole = {**ACTION, **action}
    if action["kind"] == "send":
        message = {**MESSAGE, **action["message"]}
        whole["message"] = {**message, "valid_for": canonical_duration(message["valid_for"])}
    return whole


def _comparable(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any, name: str = "") -> Any:
    """Without what is empty, and with durations as the form writes them."""
    if name in DURATIONS:
        return canonical_duration(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {each: _plain(inner, each) for each, inner in value.items() if inner not in (None, "", [], {})}
    return value
