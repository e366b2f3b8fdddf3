"""The actions of a trigger as its form holds them."""

from collections.abc import Mapping
from typing import Any

import orjson

from console.forms.message import message_of, typed_message, with_all_of_message
from console.typed import comma_list

OF_CAMPAIGN = ("tag", "untag", "send", "enroll", "set_field", "notify")
"""The kinds that a campaign may have, in the order in which they are offered."""
KINDS = (*OF_CAMPAIGN, "go_to", "leave")
"""Those that a sequence may have."""

MOST_LINES = 200
"""Lines of variables that are read. The API takes 20 variables, and refuses more."""

FIELDS = ("tags", "channel", "sequence_id", "variables", "field", "value", "target", "text", "step", "on_failure")


def new(kind: str) -> dict[str, Any]:
    return {"kind": kind if kind in KINDS else "tag"}


def complete(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Adds what is missing."""
    texts = {name: value if isinstance(value := typed.get(name), str) else "" for name in FIELDS}
    message = typed.get("message")
    kind = typed.get("kind")
    return {
        "kind": kind if kind in KINDS else "tag",
        **texts,
        "message": with_all_of_message(message if isinstance(message, dict) else {}),
    }


def typed(action: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the form of an action that the API has."""
    found = {**action, "on_failure": "on" if action["on_failure"] == "stop" else ""}
    match action["kind"]:
        case "tag" | "untag":
            found["tags"] = ", ".join(action["tags"])
        case "send":
            found["message"] = typed_message(action["message"])
        case "enroll":
            found["variables"] = "\n".join(f"{name} = {_written(value)}" for name, value in action["variables"].items())
        case "set_field":
            found["value"] = _written(action["value"])
    return found


def action(typed: Mapping[str, Any], media: Mapping[str, str]) -> dict[str, Any]:
    """Returns the action for the API."""
    made: dict[str, Any] = {"kind": typed["kind"], "on_failure": "stop" if typed["on_failure"] else "continue"}
    match typed["kind"]:
        case "tag" | "untag":
            made["tags"] = comma_list(typed["tags"])
        case "send":
            made |= {"channel": typed["channel"], "message": message_of(typed["message"], media.get(typed["channel"]))}
        case "enroll":
            lines = typed["variables"].splitlines()[:MOST_LINES]
            pairs = [line.partition("=") for line in lines if line.strip()]
            made |= {
                "sequence_id": typed["sequence_id"],
                "variables": {name.strip(): _read(value.strip()) for name, _, value in pairs},
            }
        case "set_field":
            made |= {"field": typed["field"].strip(), "value": _read(typed["value"].strip())}
        case "go_to":
            made["step"] = typed["step"]
        case "notify":
            made |= {"target": typed["target"], "text": typed["text"] or None}
    return made


def number(typed: str) -> int | str:
    """Returns a number; any other text stays for the API to refuse."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else typed


def _read(typed: str) -> Any:
    """Returns the number, truth or text that was typed; nothing is null. A text in quotes stays a text: `"42"`."""
    if not typed:
        return None
    try:
        return orjson.loads(typed)
    except orjson.JSONDecodeError:
        return typed


def _written(value: Any) -> str:
    """Returns what is read as the same value again."""
    if value is None:
        return ""
    if isinstance(value, str) and value == value.strip() and "\n" not in value and _read(value) == value:
        return value
    return orjson.dumps(value).decode()
