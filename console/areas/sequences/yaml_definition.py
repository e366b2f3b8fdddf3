"""A sequence as YAML: what the API says, without what goes without saying, and back."""

from collections.abc import Mapping
from typing import Any

from console.areas.sequences.yaml_writing import dump

RULES: Mapping[str, Any] = {
    "name": "",
    "re_entry": "after_finishing",
    "re_entry_limit": None,
    "leave_on_opt_out": True,
    "end_on_reply": False,
    "link_tracking": None,
    "utm": None,
    "utm_overwrite": False,
    "triggers": [],
    "steps": [],
}
"""What a sequence is made of, in the order in which it is written, with what counts when it is left out."""
VERSIONED = ("utm", "utm_overwrite", "triggers", "steps")
"""What a published version has; the others are the sequence's own."""

STEP: Mapping[str, Any] = {
    "next": None,
    "link": None,
    "text": None,
    "sequence_id": None,
    "triggers": [],
    "variables": {},
    "outcome": "completed",
}
MESSAGE: Mapping[str, Any] = {"kind": "marketing", "valid_for": None, "subject": None, "body": None, "html": None, "links": {}}
CHANGE: Mapping[str, Any] = {"tags_add": [], "tags_remove": [], "fields": {}, "properties": {}}
TRIGGER: Mapping[str, Any] = {"when": "clicked", "link": None, "times": 1, "within": None, "segment_id": None}
ACTION: Mapping[str, Any] = {"on_failure": "continue", "text": None, "variables": {}}
UTM: Mapping[str, Any] = dict.fromkeys(("source", "medium", "campaign", "term", "content"))


def as_yaml(sequence: Mapping[str, Any], *, only_version: bool = False) -> str:
    """`sequence` is the API's, or one of its versions with `only_version`."""
    names = VERSIONED if only_version else RULES
    shown = _without(RULES, {name: sequence[name] for name in names})
    if "steps" in shown:
        shown["steps"] = [short_step(step) for step in shown["steps"]]
    if "triggers" in shown:
        shown["triggers"] = [short_trigger(each) for each in shown["triggers"]]
    if "utm" in shown:
        shown["utm"] = _without(UTM, shown["utm"])
    return dump(shown)


def short_step(step: Mapping[str, Any]) -> dict[str, Any]:
    """The step without what goes without saying."""
    shown = _without(STEP, step)
    if isinstance(shown.get("message"), Mapping):
        shown["message"] = _without(MESSAGE, shown["message"])
    if isinstance(shown.get("change"), Mapping):
        shown["change"] = _without(CHANGE, shown["change"])
    if isinstance(shown.get("triggers"), list):
        shown["triggers"] = [short_trigger(each) for each in shown["triggers"]]
    return shown


def short_trigger(trigger: Any) -> Any:
    if not isinstance(trigger, Mapping):
        return trigger
    shown = _without(TRIGGER, trigger)
    if isinstance(shown.get("actions"), list):
        shown["actions"] = [_action(each) for each in shown["actions"]]
    return shown


def _action(action: Any) -> Any:
    if not isinstance(action, Mapping):
        return action
    shown = _without(ACTION, action)
    if isinstance(shown.get("message"), Mapping):
        shown["message"] = _without(MESSAGE, shown["message"])
    return shown


def _without(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """True is not 1: what has another type than the default is written."""
    kept = {name: (type(value), value) for name, value in defaults.items()}
    return {name: value for name, value in given.items() if kept.get(name) != (type(value), value)}


def as_body(value: Any) -> dict[str, Any]:
    """What the API is sent: everything that YAML leaves out counts as it goes without saying."""
    return {**RULES, **value}
