"""Forms whose fields are named as the API names them: `triggers[0].actions[1].tags`. So a fault stands at its field, whatever it
is, and a form of any depth is read by one function."""

import re
from collections.abc import Iterable
from typing import Any

_NAME = re.compile(r"[a-z_]+(\[\d{1,4}\])?(\.[a-z_]+(\[\d{1,4}\])?){0,8}")
_PART = re.compile(r"[a-z_]+|\d+")
UNITS = (("S", "seconds"), ("M", "minutes"), ("H", "hours"), ("D", "days"), ("W", "weeks"))
"""In which a length of time is typed. Without a choice it is days."""
_SIZES = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}
_AMOUNT = re.compile(r"[0-9][0-9.,]*")
_IN_ONE_UNIT = re.compile(r"P(?:([0-9][0-9.,]*)([DW])|T([0-9][0-9.,]*)([HMS]))")
_IN_SEVERAL = re.compile(r"P(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?")


def nested(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the fields as the objects and lists that their names say. Entries of lists keep their order and close their gaps.
    Names of another form are left out."""
    root: dict[str, Any] = {}
    for name, value in fields:
        parts = parts_of(name)
        if not isinstance(value, str) or not parts:
            continue
        *way, last = parts
        place: dict[Any, Any] = root
        for part in way:
            place = place.setdefault(part, {}) if isinstance(place.get(part, {}), dict) else {}
        place[last] = value.replace("\r\n", "\n")
    closed: dict[str, Any] = _closed(root)
    return closed


def parts_of(name: str) -> list[str | int]:
    """Returns `["triggers", 0, "key"]` for `triggers[0].key`, and nothing for a name of another form."""
    if not _NAME.fullmatch(name):
        return []
    return [int(part) if part.isdecimal() else part for part in _PART.findall(name)]


def _closed(place: Any) -> Any:
    """Makes lists of what has numbers for names."""
    if not isinstance(place, dict):
        return place
    if place and all(isinstance(each, int) for each in place):
        return [_closed(place[each]) for each in sorted(place)]
    return {name: _closed(each) for name, each in place.items()}


def comma_list(typed: str) -> list[str]:
    return [each.strip() for each in typed.replace("\n", ",").split(",") if each.strip()]


def duration_of(typed: Any) -> str | None:
    """Returns `P3D` for `{"number": "3", "unit": "D"}`, and None without a number. What is no number stays as it was typed: a
    duration such as `P1DT12H` is one, and anything else is for the API to refuse."""
    number, unit = str(typed.get("number", "")).strip(), typed.get("unit", "")
    if not _AMOUNT.fullmatch(number):
        return number or None
    return f"PT{number}{unit}" if unit in ("H", "M", "S") else f"P{number}{'W' if unit == 'W' else 'D'}"


def typed_duration(value: str | None) -> dict[str, str]:
    """Returns the opposite. A duration in several units, as the API writes 36 hours, is said in the largest unit of which it is a
    whole number, below 1,000. What cannot be said so keeps its text."""
    if one := _IN_ONE_UNIT.fullmatch(value or ""):
        return {"number": one[1] or one[3], "unit": one[2] or one[4]}
    several = _IN_SEVERAL.fullmatch(value or "")
    if several is None or not any(several.groups()):
        return {"number": value or "", "unit": "D"}
    seconds = sum(size * int(number or 0) for size, number in zip(_SIZES.values(), several.groups(), strict=True))
    unit = next(unit for unit, size in _SIZES.items() if unit != "W" and seconds % size == 0)
    amount = seconds // _SIZES[unit]
    return {"number": str(amount), "unit": unit} if amount < 1_000 else {"number": str(value), "unit": "D"}


def canonical_duration(value: Any) -> str | None:
    """Returns the duration as the fields of a form send it back when nobody changes them. A number counts seconds."""
    said = f"PT{value}S" if isinstance(value, int) and not isinstance(value, bool) else value
    return duration_of(typed_duration(None if said is None else str(said)))
