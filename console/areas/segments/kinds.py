"""The kinds of conditions as the builder shows them: what each asks for, and how its values are written and read."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from console.words.times import Times

Options = tuple[tuple[str, str], ...]

_DURATION = TypeAdapter(timedelta)
UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "min": 60, "s": 1}
PART = re.compile(r"(\d+)\s*(w|d|h|min|s)")


@dataclass(frozen=True)
class Way:
    """How one value is written in a field and read from it. What cannot be read goes to the API as it is, which says why not."""

    read: Callable[[str, Times], Any]
    write: Callable[[Any, Times], str]
    type: str = "text"
    placeholder: str = ""
    size: int = 14


LONGEST = 100
"""Characters of a field that are read as a time or a number. What is longer goes to the API as it is."""


def _length(text: str, _times: Times) -> Any:
    """`60` and `60 d` are sixty days, `1 h 30 min` is an hour and a half."""
    if len(text) > LONGEST:
        return text
    if text.strip().isdecimal():
        return f"P{int(text)}D"
    parts = PART.findall(text)
    if not parts or PART.sub("", text).strip():
        return text
    return f"PT{sum(int(number) * UNITS[unit] for number, unit in parts)}S"


def _length_words(value: Any, _times: Times) -> str:
    try:
        rest = int(_DURATION.validate_python(value).total_seconds())
    except ValidationError:
        return str(value)
    parts = list[str]()
    for unit, seconds in UNITS.items():
        count, rest = divmod(rest, seconds) if unit != "w" else (0, rest)
        parts += [f"{count} {unit}"] if count else []
    return " ".join(parts) or "0 s"


def _moment(text: str, times: Times) -> Any:
    """A date or a time on the organization's clocks."""
    try:
        found = datetime.fromisoformat(text.strip())
        here = found if found.tzinfo else found.replace(tzinfo=times.now.tzinfo)
        return here.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return text


def _moment_words(value: Any, times: Times) -> str:
    try:
        return times.local(str(value)).replace(tzinfo=None).isoformat(" ").removesuffix(":00")
    except (ValueError, OverflowError):
        return str(value)


def _scalar(text: str, _times: Times) -> Any:
    """`12` is a number, `true` is true, `"12"` is a text, and so is everything else, `NaN` too."""
    try:
        found = json.loads(text, parse_constant=str) if len(text) <= LONGEST else text
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, str | int | float | bool) else text


def _scalar_words(value: Any, _times: Times) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    return value if _scalar(value, _times) == value and isinstance(_scalar(value, _times), str) else json.dumps(value)


def _number(text: str, _times: Times) -> Any:
    return int(text) if re.fullmatch(r"-?\d{1,15}", text.strip()) else text


def _as_text(value: Any, _times: Times) -> str:
    return str(value)


TEXT = Way(lambda text, _: text, _as_text)
NUMBER = Way(_number, _as_text, "number", size=6)
SCALAR = Way(_scalar, _scalar_words)
LENGTH = Way(_length, _length_words, placeholder="60 d", size=8)
MOMENT = Way(_moment, _moment_words, placeholder="2026-03-01 09:00", size=16)
YES = Way(lambda text, _: text != "false", lambda value, _: str(value).lower(), "yes")

TIMES = {"within": ("not longer ago than", LENGTH), "longer_ago": ("longer ago than", LENGTH)} | {
    "after": ("then or later:", MOMENT),
    "before": ("before", MOMENT),
}
SAME = {"equals": ("is", TEXT), "not_equals": ("is not", TEXT), "contains": ("contains", TEXT), "exists": ("is there:", YES)}


@dataclass(frozen=True)
class Choice:
    """A field of a condition with a few values."""

    name: str
    label: str
    options: Options
    first: str


@dataclass(frozen=True)
class Kind:
    """`words` name it and begin its sentence. `about` says that it is about a campaign, a sequence or a link, `named` that it has
    a name of the organization's own, and `comparisons` are those of which at least `least` is needed."""

    words: str
    choices: tuple[Choice, ...] = ()
    named: str = ""
    about: bool = False
    link: bool = False
    tags: bool = False
    comparisons: dict[str, tuple[str, Way]] = field(default_factory=dict)
    least: int = 0


FIELD = Choice(
    "name",
    "Field",
    (
        ("first_name", "first name"),
        ("last_name", "last name"),
        ("email", "e-mail address"),
        ("phone", "phone number"),
        ("external_id", "external id"),
        ("time_zone", "time zone"),
    ),
    "first_name",
)
HAS = Choice("has", "How many", (("any", "any of the tags"), ("all", "all of the tags"), ("none", "none of the tags")), "any")
CONSENT = (
    Choice(
        "state",
        "Answer",
        (("opted_in", "opted in to"), ("opted_out", "opted out of"), ("unknown", "said nothing about")),
        "opted_in",
    ),
    Choice("message_kind", "Messages", (("marketing", "marketing"), ("transactional", "transactional")), "marketing"),
    Choice("medium", "Medium", (("sms", "by SMS"), ("email", "by e-mail")), "email"),
)

OFTEN = {"at_least": ("at least", NUMBER), "at_most": ("at most", NUMBER)}

KINDS: dict[str, Kind] = {
    "tags": Kind("have tags", (HAS,), tags=True),
    "clicked": Kind("have clicked", about=True, link=True),
    "not_clicked": Kind("have not clicked", about=True, link=True),
    "received": Kind("have got a message", about=True, comparisons={"at_least": ("messages, at least", NUMBER), **TIMES}),
    "clicks": Kind("clicked so often", comparisons={"at_least": ("at least", NUMBER), "at_most": ("at most", NUMBER)}, least=1),
    "last_click": Kind("clicked last", comparisons=TIMES, least=1),
    "field": Kind("have in a field", (FIELD,), comparisons=SAME, least=1),
    "property": Kind(
        "have a property",
        named="plan",
        comparisons={
            "equals": ("is", SCALAR),
            "not_equals": ("is not", SCALAR),
            "contains": SAME["contains"],
            "exists": SAME["exists"],
            "greater": ("is more than", SCALAR),
            "less": ("is less than", SCALAR),
        },
        least=1,
    ),
    "consent": Kind("have said about messages", CONSENT),
    "created_at": Kind("were added", comparisons=TIMES, least=1),
    "has_email": Kind("have an e-mail address"),
    "has_phone": Kind("have a phone number"),
    "replied": Kind("have written back"),
}
TITLES = {name: kind.words for name, kind in KINDS.items()}
"""By kind, for the list to choose from."""
