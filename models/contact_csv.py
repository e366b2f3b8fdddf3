"""The CSV format of a contact import: how a file is read, and what becomes of its columns.

UTF-8, commas, a header row. The columns of a contact are known in any case; every other one becomes a property. `tags` are
separated by semicolons. An empty cell leaves the field as it is.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models.contact_input import KEYS, ContactInput, property_problem, read_contact
from models.errors import FieldError, Invalid

COLUMNS = (*KEYS, "first_name", "last_name", "time_zone", "tags")
MAX_COLUMNS = 200
MAX_CELL = 100_000
"""Characters. Also what one unclosed quotation mark can swallow before it is noticed."""


@dataclass(frozen=True)
class CsvRow:
    """`line` is where the row begins in the file, from 1; `contact` what it says, or what is wrong with it."""

    line: int
    contact: ContactInput | list[FieldError]


def decode_csv(body: bytes) -> str:
    """UTF-8, with or without byte order mark. Raises Invalid with the line of the first byte that is something else."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _invalid(body.count(b"\n", 0, error.start) + 1, "this is not UTF-8; save the file as CSV UTF-8") from None
    if (place := text.find("\x00")) >= 0:
        raise _invalid(text.count("\n", 0, place) + 1, "there is a NUL character (U+0000), which cannot be stored")
    return text


def count_rows(text: str) -> int:
    """How many rows follow the header. Raises Invalid for a file that cannot be read to its end, or that nobody is in."""
    reader = _reader(text)
    try:
        _check_header(next(reader, []))
        total = sum(1 for cells in reader if cells)
    except csv.Error as error:
        raise _invalid(reader.line_num, f"this is not CSV: {error}") from None
    if total == 0:
        raise _invalid(2, "there are no rows below the header")
    return total


def read_rows(text: str, skip: int = 0) -> Iterator[CsvRow]:
    """Rows below the header without the first `skip`; blank lines do not count."""
    reader = _reader(text)
    names = _names(next(reader))
    line = reader.line_num + 1
    for cells in reader:
        if cells and skip > 0:
            skip -= 1
        elif cells:
            yield CsvRow(line, _contact(names, cells))
        line = reader.line_num + 1


def _reader(text: str) -> Any:
    csv.field_size_limit(MAX_CELL)
    return csv.reader(io.StringIO(text, newline=""), strict=True)


def _names(header: Sequence[str]) -> list[str]:
    names = [name.strip() for name in header]
    return [name.lower() if name.lower() in COLUMNS else name for name in names]


def _check_header(header: Sequence[str]) -> None:
    if len(header) > MAX_COLUMNS:
        raise _invalid(1, f"the header has {len(header)} columns, {MAX_COLUMNS} are the most")
    names = _names(header)
    if not set(names) & set(KEYS):
        raise _invalid(1, f"the header has none of the columns {', '.join(KEYS)}; columns are separated by commas")
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name:
            raise _invalid(1, f"column {number} has no name")
        if name in seen:
            raise _invalid(1, f"the column '{name}' is there twice")
        seen.add(name)
        if problem := property_problem(name):
            raise _invalid(1, problem)


def _contact(names: Sequence[str], cells: Sequence[str]) -> ContactInput | list[FieldError]:
    if len(cells) != len(names):
        return [FieldError("row", f"The row has {len(cells)} cells, the header has {len(names)}.")]
    given: dict[str, Any] = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if cell.strip()}
    contact = {name: given.pop(name) for name in COLUMNS if name in given}
    if "tags" in contact:
        contact["tags"] = [tag for tag in contact["tags"].split(";") if tag.strip()]
    found = read_contact({**contact, "properties": given} if given else contact)
    return [_about_tags(error) for error in found] if isinstance(found, list) else found


def _about_tags(error: FieldError) -> FieldError:
    hint = " Tags are separated by semicolons." if error.field.startswith("tags") else ""
    return replace(error, message=error.message + hint)


def _invalid(line: int, problem: str) -> Invalid:
    sentence = f"Line {line}: {problem.rstrip('.')}."
    return Invalid(sentence, [FieldError("body", sentence, line=line)])
