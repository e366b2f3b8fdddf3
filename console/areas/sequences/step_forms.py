"""A form for each kind of step, and one for what counts for the whole sequence: which fields it has, what they hold, and what the
step becomes when they are sent.

A form knows only its fields: what else is written of a step stays as it is.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from console.typed import canonical_duration

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One field of a form. `path` leads to its value in the step; `kind` says how that is written (`KINDS`). `source` names what
    can be chosen: a list of (value, word), or a word for one of `choices.py`; `empty` is the word for choosing nothing, and empty
    where something has to be chosen. `default` is what goes without saying."""

    path: str
    label: str
    kind: str = "text"
    source: str | Sequence[tuple[str, str]] = ""
    help: str = ""
    default: Any = None
    empty: str = ""


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _lines(value: Any) -> str:
    """`name: value` in lines; a value that is no text is written as in JSON."""
    if not isinstance(value, Mapping):
        return _text(value)
    return "\n".join(
        f"{name}: {each if _is_plain(each) else json.dumps(each, ensure_ascii=False)}" for name, each in value.items()
    )


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and "\n" not in value and _word(value) == value


def _word(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _pairs(text: str) -> dict[str, Any]:
    lines = [line.partition(":") for line in text.split("\n") if line.strip()]
    return {name.strip(): _word(value.strip()) for name, _, value in lines}


def _links(text: str) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in _pairs(text).items()}


def _number(text: str) -> Any:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


KINDS: Mapping[str, tuple[Callable[[Any], str], Callable[[str], Any]]] = {
    "text": (_text, lambda text: text.strip() or None),
    "area": (_text, lambda text: text if text.strip() else None),
    "choice": (_text, lambda text: text or None),
    "step": (_text, lambda text: text or None),
    "next": (_text, lambda text: text or None),
    "link": (_text, lambda text: text or None),
    "duration": (lambda value: canonical_duration(value) or "", lambda text: text or None),
    "number": (_text, lambda text: _number(text.strip()) if text.strip() else None),
    "tags": (
        lambda value: ", ".join(map(str, value)) if isinstance(value, list) else _text(value),
        lambda text: [each.strip() for each in text.split(",") if each.strip()],
    ),
    "pairs": (_lines, _pairs),
    "links": (_lines, _links),
    "switch": (lambda value: "on" if value is True else "", lambda text: text == "on"),
    "tracking": (lambda value: "off" if value is False else "", lambda text: False if text == "off" else None),
}
"""How a value is shown in a field, and how the field is read."""
CHOSEN = ("choice", "step", "next", "link", "tracking")
"""The kinds of which one of several is chosen."""

KEY = Field("key", "Key", help="Small letters, digits and _.")
NEXT = Field("next", "Then go to", "next", "steps")

STEPS: Mapping[str, Sequence[Field]] = {
    "send": (
        KEY,
        Field("channel", "Channel", "choice", "channels"),
        Field("message.subject", "Subject", help="E-mail only."),
        Field("message.body", "Text", "area"),
        Field("message.html", "HTML", "area", help="E-mail only. Without a text, it is made from this."),
        Field("message.links", "Links", "links", help="One a line: name, colon, address. In the text: {{ links.name }}."),
        Field("message.kind", "Kind", "choice", "kinds", default="marketing"),
        Field("message.valid_for", "Worth sending for", "duration"),
        NEXT,
    ),
    "wait_for_click": (
        KEY,
        Field("link", "A click on the link", "link", "links", empty="Any link of the message before"),
        Field("timeout", "At most", "duration"),
        Field("on_click", "After a click, go to", "step", "steps"),
        Field("on_timeout", "Without one, go to", "step", "steps"),
    ),
    "wait": (KEY, Field("duration", "How long", "duration"), NEXT),
    "update_contact": (
        KEY,
        Field("change.tags_add", "Add tags", "tags", help="With commas between them.", default=[]),
        Field("change.tags_remove", "Remove tags", "tags", help="With commas between them.", default=[]),
        Field(
            "change.fields", "Fields", "pairs", help="One a line: first_name, last_name or time_zone, colon, value.", default={}
        ),
        Field("change.properties", "Properties", "pairs", help="One a line: name, colon, value; null removes it.", default={}),
        NEXT,
    ),
    "enroll": (
        KEY,
        Field("sequence_id", "In the sequence", "choice", "sequences"),
        Field("variables", "Variables", "pairs", help="One a line: name, colon, value.", default={}),
        NEXT,
    ),
    "stop_other": (KEY, Field("sequence_id", "In the sequence", "choice", "sequences", empty="All others"), NEXT),
    "notify": (
        KEY,
        Field("target", "Target", "choice", "targets"),
        Field("text", "Text", "area", help="Empty: the text of the target."),
        NEXT,
    ),
    "end": (KEY, Field("outcome", "Outcome", help="A word for reports.", default="completed")),
}

RE_ENTRY = (
    ("after_finishing", "After they have finished"),
    ("never", "Never: once for ever"),
    ("always", "Always, also several at a time"),
)
SEQUENCE: Sequence[Field] = (
    Field("name", "Name"),
    Field("re_entry", "Can enter again", "choice", RE_ENTRY, default="after_finishing"),
    Field("re_entry_limit.times", "At most so many times", "number"),
    Field("re_entry_limit.period", "Within", "duration"),
    Field("leave_on_opt_out", "Who opts out leaves", "switch", default=True),
    Field("end_on_reply", "Who writes back leaves", "switch", default=False),
    Field("link_tracking", "Link tracking", "tracking", (("", "As the organization"), ("off", "Off: links go out unchanged"))),
    Field("utm.source", "UTM source"),
    Field("utm.medium", "UTM medium"),
    Field("utm.campaign", "UTM campaign"),
    Field("utm.term", "UTM term"),
    Field("utm.content", "UTM content"),
    Field("utm_overwrite", "Replace UTM parameters that an address has", "switch", default=False),
)

NEW: Mapping[str, Mapping[str, Any]] = {
    "send": {"message": {"body": "Hello {{ contact.first_name }}"}},
    "wait_for_click": {"timeout": "P3D"},
    "wait": {"duration": "P1D"},
    "update_contact": {"change": {"tags_add": ["new"]}},
    "enroll": {},
    "stop_other": {},
    "notify": {},
    "end": {},
}
"""What a new step of each kind begins with."""


def value_at(step: Values, path: str) -> Any:
    """Returns None where there is nothing."""
    found: Any = step
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def shown(fields: Sequence[Field], step: Values) -> dict[str, str]:
    """Returns what the fields hold, by their paths."""
    found = dict[str, str]()
    for each in fields:
        value = value_at(step, each.path)
        found[each.path] = KINDS[each.kind][0](each.default if value is None else value)
    return found


def seal(held: Mapping[str, str]) -> str:
    """Says what fields held when they were shown, so that a form that was changed is known from one that was not."""
    return sha256(json.dumps(list(held.values())).encode(errors="replace")).hexdigest()[:16]


def changed(fields: Sequence[Field], step: Values, sent: Mapping[str, str]) -> dict[str, Any]:
    """Returns the step as the form says it. A field that still holds what it showed is left as it is written: a duration may be
    written in other ways than the form does."""
    result: dict[str, Any] = json.loads(json.dumps(step))
    held = shown(fields, step)
    for each in fields:
        if sent[each.path] != held[each.path]:
            _put(result, each.path.split("."), KINDS[each.kind][1](sent[each.path]))
    return result


def _put(step: dict[str, Any], names: Sequence[str], value: Any) -> None:
    first, *rest = names
    if not rest:
        if value is None:
            step.pop(first, None)
        else:
            step[first] = value
        return
    inner = step.get(first)
    if not isinstance(inner, dict):
        if value is None:
            return
        inner = {}
    step[first] = inner
    _put(inner, rest, value)
    if not inner:
        step.pop(first)


def of_kind(step: Any) -> Sequence[Field]:
    """The fields of the step's kind; none for what is no step."""
    return STEPS.get(str(step.get("kind")), ()) if isinstance(step, Mapping) else ()


def new_step(kind: str, keys: Sequence[str]) -> dict[str, Any]:
    """A step of this kind with a key of its own."""
    words = {"wait_for_click": "wait", "update_contact": "update"}
    base = words.get(kind, kind)
    numbered = [base, *(f"{base}_{number}" for number in range(2, len(keys) + 3))]
    return {"kind": kind, "key": next(each for each in numbered if each not in keys), **NEW[kind]}
