"""The form of a channel's settings, made from what its kind says of itself: a new kind needs no page of its own."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin

import orjson
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from console.page import Page
from models.channels.channel import ChannelKind, Medium
from services.channels.registry import CHANNEL_TYPES

LONG = ("body", "dkim_rsa_key", "dkim_ed25519_key")
"""Texts of several lines."""
SHORT_FORMS = {"dkim": "DKIM", "rsa": "RSA", "css": "CSS", "url": "URL", "api": "API", "sid": "SID", "id": "id", "http": "HTTP"}
PACE = ("per_second", "unit", "domain_per_second")


class Shape(StrEnum):
    """How a setting is typed."""

    TEXT = "text"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    JSON = "json"
    SECRET = "secret"  # noqa: S105 - the name of a shape


@dataclass(frozen=True)
class Setting:
    """`name` is the field of the form, such as `config.port`; `initial` is what a new channel begins with."""

    name: str
    label: str
    help: str
    shape: Shape
    required: bool = False
    initial: str = ""
    options: Sequence[tuple[str, str]] = ()
    long: bool = False

    @property
    def key(self) -> str:
        return self.name.removeprefix("config.")


class Unreadable(Exception):
    """What was typed is not of the shape of its setting: a sentence for each field."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("unreadable settings")
        self.faults = faults


def settings_of(kind: ChannelKind, medium: Medium) -> list[Setting]:
    """In the order in which the kind names them, the pace last."""
    fields = CHANNEL_TYPES[kind].config.model_fields
    return [*(_setting(name, field) for name, field in fields.items() if name != "pace"), *_pace(medium)]


def shown_settings(settings: Sequence[Setting], config: Mapping[str, Any]) -> dict[str, str]:
    """What the form holds of a channel that there is. Secrets are never shown."""
    return {each.name: _text(_value(each.key, config)) for each in settings if each.shape != Shape.SECRET}


def typed_settings(page: Page, settings: Sequence[Setting]) -> dict[str, str]:
    return {
        each.name: page.field(each.name).strip() if each.shape != Shape.SWITCH else str(page.field(each.name) == "on").lower()
        for each in settings
    }


def new_config(settings: Sequence[Setting], typed: Mapping[str, str]) -> dict[str, Any]:
    """Returns what is sent to create a channel: what was left empty is left out. Raises Unreadable."""
    read = _read(settings, typed)
    given = {key: value for key, value in read.items() if value is not None and not key.startswith("pace.")}
    return given | ({"pace": pace} if (pace := _given_pace(read)) else {})


def changed_config(settings: Sequence[Setting], typed: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, Any]:
    """Returns what is sent to change one: what differs from what the form showed, and secrets that were typed. Raises
    Unreadable."""
    read = _read(settings, typed)
    changed = dict[str, Any]()
    for each in settings:
        value = read[each.key]
        differs = value is not None if each.shape == Shape.SECRET else typed[each.name] != shown[each.name]
        if differs and not each.key.startswith("pace."):
            changed[each.key] = value
    if any(typed[each.name] != shown[each.name] for each in settings if each.key.startswith("pace.")):
        changed["pace"] = _given_pace(read)
    return changed


def faults_of(faults: Mapping[str, str], settings: Sequence[Setting]) -> dict[str, str]:
    """The API names the place within a setting, as `config.answer.rules[0].result`; the form shows it at the setting."""
    found = dict[str, str]()
    names = [each.name for each in settings]
    for field, sentence in faults.items():
        place = next((name for name in names if field == name or field.startswith((f"{name}.", f"{name}["))), field)
        inside = field.removeprefix(place).lstrip(".")
        found.setdefault(place, f"{inside}: {sentence}" if inside else sentence)
    return found


def _setting(name: str, field: FieldInfo) -> Setting:
    kind = _kinds(field.annotation)
    options = tuple((str(each), str(each)) for each in get_args(kind)) if get_origin(kind) is Literal else ()
    if options and not field.is_required() and field.default is None:
        options = (("", "–"), *options)
    words = " ".join(SHORT_FORMS.get(word, word) for word in name.split("_"))
    return Setting(
        f"config.{name}",
        words[0].upper() + words[1:],
        (field.description or "").replace("null:", "empty:"),
        _shape(kind),
        field.is_required(),
        "" if field.is_required() or field.default_factory else _text(_plain(field.default)),
        options,
        name in LONG,
    )


def _kinds(annotation: Any) -> Any:
    """Without None and without what judges the value."""
    if get_origin(annotation) in (Union, types.UnionType):
        return _kinds(next(each for each in get_args(annotation) if each is not type(None)))
    if hasattr(annotation, "__metadata__"):
        return _kinds(annotation.__origin__)
    return annotation


def _shape(kind: Any) -> Shape:
    if kind is SecretStr:
        return Shape.SECRET
    if get_origin(kind) is Literal:
        return Shape.CHOICE
    shapes = {bool: Shape.SWITCH, int: Shape.NUMBER, float: Shape.NUMBER, str: Shape.TEXT}
    return shapes.get(kind, Shape.JSON)


PER_SECOND = Setting(
    "config.pace.per_second",
    "Messages a second",
    "All workers together; 0.5 is one every two seconds. Empty: as fast as it can.",
    Shape.NUMBER,
)
PER_DOMAIN = Setting(
    "config.pace.domain_per_second",
    "Messages a second to each domain",
    "Such as everybody at one mailbox provider.",
    Shape.NUMBER,
)
UNIT = Setting(
    "config.pace.unit",
    "Counted in",
    "Segments are what providers of SMS count.",
    Shape.CHOICE,
    initial="message",
    options=(("message", "messages"), ("segment", "segments")),
)


def _pace(medium: Medium) -> list[Setting]:
    return [PER_SECOND, PER_DOMAIN if medium == Medium.EMAIL else UNIT]


def _given_pace(read: Mapping[str, Any]) -> dict[str, Any] | None:
    given = {name: read[f"pace.{name}"] for name in PACE if read.get(f"pace.{name}") is not None}
    return given if set(given) - {"unit"} else None


def _read(settings: Sequence[Setting], typed: Mapping[str, str]) -> dict[str, Any]:
    read, faults = dict[str, Any](), dict[str, str]()
    for each in settings:
        try:
            read[each.key] = _typed_value(each, typed[each.name])
        except ValueError as error:
            faults[each.name] = str(error)
    if faults:
        raise Unreadable(faults)
    return read


def _typed_value(setting: Setting, text: str) -> Any:
    if setting.shape == Shape.SWITCH:
        return text == "true"
    if not text:
        return None
    if setting.shape == Shape.NUMBER:
        return _number(text)
    if setting.shape == Shape.JSON:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"This is no JSON: {error}.") from None
    return text


def _number(text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("Write a number, such as 25 or 0.5.") from None
    if abs(number) > 1e12 or number != number:
        raise ValueError("Write a smaller number.")
    return int(number) if number.is_integer() else number


def _value(key: str, config: Mapping[str, Any]) -> Any:
    value: Any = config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_unset=True) if hasattr(value, "model_dump") else value


def _text(value: Any) -> str:
    if value is None or value == {}:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return str(value)
