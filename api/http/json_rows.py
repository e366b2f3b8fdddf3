"""Reads JSON that is an object with a long list, piece by piece, so that no piece keeps the interpreter for long."""

import json
import re
from json.decoder import JSONDecodeError, JSONDecoder
from typing import Any

from models.errors import Invalid

MOST_ROWS = 10_000
"""More rows than any route takes, in all lists together, and more fields; the route itself says how many rows it takes."""
LARGEST_ROW = 64 * 1024
"""The most characters of one row. A contact with everything that it may have is below 40,000, even when each letter is
escaped."""

_SPACE = re.compile(r"[ \t\n\r]*")
_WINDOWS = (2 * 1024, 16 * 1024, LARGEST_ROW)
_TAIL = 16
"""A value that was cut off fails within this many characters of the cut, unless it is a text."""
_decode = JSONDecoder().raw_decode


def read_rows(text: str) -> Any:
    """Returns what `json.loads` would return. Raises JSONDecodeError, RecursionError and ValueError as it does, and Invalid for a
    row that is too large or a list that is too long."""
    start = _skip(text, 0)
    if text[start : start + 1] != "{":
        value, end = _value(text, start, "body")
    else:
        value, end = _object(text, start + 1)
    if (end := _skip(text, end)) != len(text):
        raise JSONDecodeError("Extra data", text, end)
    return value


class _Room:
    """How many rows, or fields, can still be read of a body."""

    def __init__(self, what: str) -> None:
        self._what, self._left = what, MOST_ROWS

    def take(self, path: str) -> None:
        if not self._left:
            raise Invalid.field(path, f"At most {MOST_ROWS:,} {self._what} are possible.")
        self._left -= 1


def _object(text: str, index: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    fields, rows = _Room("fields"), _Room("entries")
    index = _skip(text, index)
    if text[index : index + 1] == "}":
        return found, index + 1
    while True:
        fields.take("body")
        name, index = _name(text, index)
        if text[index : index + 1] == "[":
            found[name], index = _list(text, index + 1, name, rows)
        else:
            found[name], index = _value(text, index, name)
        index, over = _next(text, index, "}")
        if over:
            return found, index


def _name(text: str, index: int) -> tuple[str, int]:
    if text[index : index + 1] != '"':
        raise JSONDecodeError("Expecting property name enclosed in double quotes", text, index)
    name, index = _value(text, index, "body")
    index = _skip(text, index)
    if text[index : index + 1] != ":":
        raise JSONDecodeError("Expecting ':' delimiter", text, index)
    return str(name), _skip(text, index + 1)


def _list(text: str, index: int, name: str, room: _Room) -> tuple[list[Any], int]:
    rows: list[Any] = []
    index = _skip(text, index)
    if text[index : index + 1] == "]":
        return rows, index + 1
    while True:
        room.take(name)
        row, index = _value(text, index, f"{name}[{len(rows)}]")
        rows.append(row)
        index, over = _next(text, index, "]")
        if over:
            return rows, index


def _next(text: str, index: int, closing: str) -> tuple[int, bool]:
    """Returns the position behind a comma, or behind the end of the list or object, which is then over."""
    index = _skip(text, index)
    if text[index : index + 1] == closing:
        return index + 1, True
    if text[index : index + 1] != ",":
        raise JSONDecodeError("Expecting ',' delimiter", text, index)
    return _skip(text, index + 1), False


def _value(text: str, index: int, path: str) -> tuple[Any, int]:
    """Returns the value at `index`, and where it ends."""
    for size in _WINDOWS:
        window = text[index : index + size]
        whole = len(window) < size
        try:
            value, end = _decode(window)
        except JSONDecodeError as error:
            if whole or not _cut_off(error, size):
                raise JSONDecodeError(error.msg, text, index + error.pos) from None
        else:
            if whole or end < size:  # otherwise a number may go on behind the window
                return value, index + end
    raise Invalid.field(path[:200], f"One entry may have {LARGEST_ROW // 1024} KB.")


def _cut_off(error: json.JSONDecodeError, size: int) -> bool:
    return error.msg.startswith("Unterminated string") or error.pos >= size - _TAIL


def _skip(text: str, index: int) -> int:
    match = _SPACE.match(text, index)
    return match.end() if match else index
