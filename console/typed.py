"""Forms whose fields are named as the API names them: `triggers[0].actions[1].tags`. So a fault stands at its field, whatever it
is, and a form of any depth is read by one function."""

import re
from collections.abc import Iterable
from typing import Any

_NAME = re.compile(r"[a-z_]+(\[\d{1,4}\])?(\.[a-z_]+(\[\d{1,4}\])?){0,8}")
_PART = re.compile(r"[a-z_]+|\d+")
UNITS = (("D", "days"), ("H", "hours"), ("M", "minutes"), ("S", "seconds"))
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_SECONDS = (86_400, 3_600, 60, 1)


def nested(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the fields as the objects and lists that their names say. Entries of lists keep their order and close their gaps.
    Names of another form are left out."""
    root: dict[str, Any] = {}
    for name, value in fields:
        if not isinstance(value, str) or not _NAME.fullmatch(name):
            continue
        *way, last = [int(part) if part.isdecimal() else part for part in _PART.findall(name)]
        place: dict[Any, Any] = root
        for part in way:
            place = place.setdefault(part, {}) if isinstance(place.get(part, {}), dict) else {}
        place[last] = value.replace("\r\n", "\n")
    closed: dict[str, Any] = _closed(root)
    return closed


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
    """Returns `P3D` for `{"number": "3", "unit": "D"}`, and None without a number. A duration that is typed as such stays one,
    and what is no number stays for the API to refuse."""
    number, unit = str(typed.get("number", "")).strip(), typed.get("unit", "D")
    if not number or number.startswith("P"):
        return number or None
    return f"P{number}D" if unit == "D" else f"PT{number}{unit}"


def typed_duration(value: str | None) -> dict[str, str]:
    """Returns the opposite: the largest unit in which the duration is a whole number."""
    found = _DURATION.fullmatch(value or "")
    if found is None or not any(found.groups()):
        return {"number": value or "", "unit": "D"}
    seconds = sum(size * int(number or 0) for size, number in zip(_SECONDS, found.groups(), strict=True))
    unit, size = next((unit, size) for (unit, _), size in zip(UNITS, _SECONDS, strict=True) if seconds % size == 0)
    return {"number": str(seconds // size), "unit": unit}
