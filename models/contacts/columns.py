"""Decides what each column of a file becomes: a field of the contact, a property with a type, or nothing.

The column's own name says it (`email`, `plan`, `vip:boolean`), or the caller says it (`columns`): `{"Customer No": "external_id",
"Since": "since:date", "Notes": null}`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models.contacts.csv_file import invalid
from models.contacts.input import KEYS, property_problem
from models.texts.plain_text import plain

FIELDS = (*KEYS, "first_name", "last_name", "time_zone", "tags", "tags_add", "tags_remove", "default_country")
CONSENT_COLUMNS: dict[str, str | None] = {"consent": None, "consent_sms": "sms", "consent_email": "email"}
"""Columns that are no field of the contact, with the medium about which they say something; None stands for all."""
TYPES = ("text", "number", "boolean", "date")
MAX_COLUMNS = 200
MAX_PROBLEMS = 100

_ALIASES = {"e_mail": "email"}
# Spreadsheets write these words in their own language.
TRUE = {"true", "yes", "y", "1", "on", "wahr", "ja", "vrai", "oui", "verdadero", "si", "sí", "vero", "sì"}
FALSE = {"false", "no", "n", "0", "off", "falsch", "nein", "faux", "non", "falso"}
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_UNCLEAR_NUMBER = re.compile(r"[+-]?\d{1,3},\d{3}")


@dataclass(frozen=True)
class Column:
    """A column is a `field`, a `property`, or neither, and then it is left out. With `type` None its cells are text, and the
    words true and false."""

    header: str
    field: str | None = None
    property: str | None = None
    type: str | None = None

    def value(self, cell: str) -> Any:
        """Raises ValueError for a cell that does not have the column's type."""
        match self.type:
            case "number":
                return _number(cell)
            case "boolean":
                return _boolean(cell)
            case "date":
                return _date(cell)
            case None if cell.lower() in ("true", "false"):
                return cell.lower() == "true"
            case _:
                return cell


def read_header(header: Sequence[str], given: dict[str, str | None], line: int = 1) -> list[Column]:
    """Raises Invalid with everything that is wrong with the header and the caller's `columns` for it."""
    names = [plain(name) for name in header]
    targets = {plain(name): target for name, target in given.items()}
    unknown = [name for name in targets if name not in names]
    problems = [f"columns names '{name[:80]}', which the header does not have" for name in unknown]
    columns: list[Column] = []
    for number, name in enumerate(names, 1):
        try:
            columns.append(_column(name, targets) if name or name in targets else _nameless(number))
        except ValueError as error:
            problems.append(str(error))
    problems += _problems(names, columns)
    if problems:
        raise invalid(line, *problems[:MAX_PROBLEMS])
    return columns


def _column(name: str, targets: dict[str, str | None]) -> Column:
    if name not in targets:
        word, colon, kind = name.partition(":")
        return _target(name, f"{_field(word) or word}{colon}{kind}")
    target = targets[name]
    return Column(name) if target is None else _target(name, target)


def _target(header: str, target: str) -> Column:
    """Reads `email`, `plan` or `plan:number`. Raises ValueError for anything else."""
    name, colon, kind = (part.strip() for part in target.partition(":"))
    if colon and kind not in TYPES:
        raise ValueError(f"'{header[:80]}' has no type that is known: write one of {', '.join(TYPES)} behind the colon")
    if name in FIELDS or name in CONSENT_COLUMNS:
        if colon:
            raise ValueError(f"'{header[:80]}' becomes {name}, and only properties have a type")
        return Column(header, field=name)
    if problem := property_problem(name):
        raise ValueError(f"{problem.rstrip('.')}. Say in columns what '{header[:80]}' becomes; null leaves it out")
    return Column(header, property=name, type=kind or None)


def _field(name: str) -> str | None:
    """Reads headings such as `First Name` and `E-Mail` as the fields that they mean."""
    word = re.sub(r"[\s_-]+", "_", name.strip()).lower()
    word = _ALIASES.get(word, word)
    return word if word in FIELDS or word in CONSENT_COLUMNS else None


def _nameless(number: int) -> Column:
    raise ValueError(f"column {number} has no name")


def _problems(names: Sequence[str], columns: Sequence[Column]) -> Iterable[str]:
    if len(names) > MAX_COLUMNS:
        yield f"the header has {len(names)} columns, {MAX_COLUMNS} are the most"
    if not any(column.field in KEYS for column in columns):
        yield (
            f"the header has none of the columns {', '.join(KEYS)}; "
            "columns are separated by commas, semicolons, tabs or bars, and the parameter columns maps other names"
        )
    seen: set[str] = set()
    for target in (column.field or column.property for column in columns):
        if target in seen:
            yield f"the column '{target}' is there twice"
        seen.update([target] if target else [])


def _number(cell: str) -> int | float:
    """Reads `12`, `-3.5` or `3,5`."""
    text = cell.replace(" ", "")
    if not _NUMBER.fullmatch(text) or _UNCLEAR_NUMBER.fullmatch(text):
        raise ValueError("This is not a number: write digits with at most one decimal point, such as 1234.5.")
    number = float(text.replace(",", "."))
    return int(number) if number.is_integer() and "." not in text and "," not in text else number


def _boolean(cell: str) -> bool:
    word = cell.lower()
    if word not in TRUE | FALSE:
        raise ValueError("This is neither true nor false: write true, false, yes, no, 1 or 0.")
    return word in TRUE


def _date(cell: str) -> str:
    """Returns a date in ISO 8601, from that form or from day.month.year."""
    try:
        found = datetime.strptime(cell, "%d.%m.%Y").date() if "." in cell else date.fromisoformat(cell)  # noqa: DTZ007 - a date
    except ValueError:
        raise ValueError("This is not a date: write 2026-03-31 or 31.03.2026.") from None
    return found.isoformat()
