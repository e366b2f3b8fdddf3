"""The properties of a contact in a form: a row with name and value for each plain one, and JSON for lists and objects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from console.page import Page

KINDS = (("text", "text"), ("number", "number"), ("boolean", "yes or no"))
EMPTY_ROWS = 3
MOST_ROWS = 200
"""The most rows that a form begins with, each of three fields: a form has 2,000 at most. Further properties stand in the JSON."""
WORDS = {"yes": True, "true": True, "no": False, "false": False}
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
_FIELD = re.compile(r"property-(\d{1,4})", re.ASCII)


@dataclass(frozen=True)
class Row:
    name: str = ""
    value: str = ""
    kind: str = "text"


@dataclass(frozen=True)
class TypedProperties:
    """What the form holds. `more` is the JSON object with what no row can hold."""

    rows: list[Row]
    more: str

    @classmethod
    def sent(cls, page: Page) -> "TypedProperties":
        """Every row that was sent, because a property that is not read would be removed."""
        numbers = sorted({int(found[1]) for name in page.form if (found := _FIELD.fullmatch(name))})
        rows = [Row(*(page.field(f"{part}-{number}").strip() for part in ("property", "value", "kind"))) for number in numbers]
        return cls([row for row in rows if row.name or row.value], page.field("properties").strip())

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> "TypedProperties":
        rows = [row for name, value in properties.items() if (row := _row(name, value))][:MOST_ROWS]
        in_rows = {row.name for row in rows}
        more = {name: value for name, value in properties.items() if name not in in_rows}
        return cls(rows, orjson.dumps(more, option=orjson.OPT_INDENT_2).decode() if more else "")

    def read(self) -> dict[str, Any]:
        """Raises ValueError with a sentence for what cannot be read."""
        found = _object(self.more)
        for row in self.rows:
            if not row.name:
                raise ValueError(f"The value {row.value[:40]} has no name.")
            if row.name in found:
                raise ValueError(f"The name {row.name[:60]} stands here twice.")
            found[row.name] = _value(row)
        return found


def _row(name: str, value: Any) -> Row | None:
    if isinstance(value, bool):
        return Row(name, "yes" if value else "no", "boolean")
    if isinstance(value, int | float) and _NUMBER.fullmatch(str(value)):
        return Row(name, str(value), "number")
    return Row(name, value) if isinstance(value, str) and value and value == value.strip() and _is_one_line(value) else None


def _is_one_line(text: str) -> bool:
    """Browsers take line ends out of a field of one line."""
    return "\n" not in text and "\r" not in text


def _value(row: Row) -> Any:
    if not row.value:
        raise ValueError(f"{row.name[:60]} has no value. Empty its name as well to remove it.")
    if row.kind == "number":
        if not _NUMBER.fullmatch(row.value):
            raise ValueError(f"{row.name[:60]} is no number: write digits, with a point before the decimals.")
        return float(row.value) if "." in row.value else int(row.value)
    if row.kind == "boolean":
        if row.value.lower() not in WORDS:
            raise ValueError(f"{row.name[:60]} is neither yes nor no.")
        return WORDS[row.value.lower()]
    return row.value


def _object(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ValueError('Write a JSON object, such as {"plan": "gold"}.')
    return found
