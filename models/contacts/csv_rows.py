"""The rows of a contact import: what a file says about each contact.

An empty cell leaves the field as it is. Tags are separated by semicolons, commas or bars inside of their cell.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from models.contacts.columns import Column, read_header
from models.contacts.csv_file import csv_rows, header_line, invalid
from models.contacts.row import ContactRow, Key, RowOptions, read_row
from models.errors import FieldError
from models.texts.plain_text import plain

_TAGS = re.compile("[;,|]")


class ImportOptions(BaseModel):
    """What the caller says about a file: what its columns become, and how its rows are read."""

    model_config = ConfigDict(frozen=True)

    delimiter: str = ","
    columns: dict[str, str | None] = {}
    match_on: Key | None = None
    default_country: str | None = None


@dataclass(frozen=True)
class CsvRow:
    """`line` is the line of the file in which the row begins, from 1."""

    line: int
    contact: ContactRow


def count_rows(text: str, options: ImportOptions) -> int:
    """Returns how many rows follow the header. Raises Invalid for a file that cannot be read to its end, or that has no row."""
    if not text.strip():
        raise invalid(1, "the file is empty; send the CSV file itself as the body")
    reader = csv_rows(text, options.delimiter)
    try:
        read_header(next(reader, []), options.columns, header_line(text))
        total = sum(1 for cells in reader if _says_something(cells))
    except csv.Error as error:
        raise invalid(reader.line_num, f"this is not CSV: {error}") from None
    if total == 0:
        raise invalid(header_line(text) + 1, "there are no rows below the header")
    return total


def read_rows(text: str, options: ImportOptions, skip: int = 0) -> Iterator[CsvRow]:
    """Yields the rows below the header without the first `skip`. Lines that are blank or hold only separators do not count."""
    reader = csv_rows(text, options.delimiter)
    columns = read_header(next(reader), options.columns, header_line(text))
    row_options = RowOptions(options.match_on, options.default_country)
    line = reader.line_num + 1
    for cells in reader:
        if not _says_something(cells):
            pass
        elif skip > 0:
            skip -= 1
        else:
            yield CsvRow(line, _contact(columns, cells, row_options))
        line = reader.line_num + 1


def _says_something(cells: Sequence[str]) -> bool:
    """Spreadsheets write lines of separators below their data."""
    return any(cell.strip() for cell in cells)


def _contact(columns: Sequence[Column], cells: Sequence[str], options: RowOptions) -> ContactRow:
    if len(cells) != len(columns):
        return ContactRow(None, (FieldError("row", f"The row has {len(cells)} cells, the header has {len(columns)}."),))
    written = [(column, cell) for column, each in zip(columns, cells, strict=True) if (cell := each.strip()) and plain(cell)]
    contact: dict[str, Any] = {column.field: cell for column, cell in written if column.field}
    if "tags" in contact:
        contact["tags"] = [tag for tag in _TAGS.split(contact["tags"]) if plain(tag)]
    properties, errors = _properties(written)
    if properties:
        contact["properties"] = properties
    row = read_row(contact, options)
    return ContactRow(row.contact, (*row.errors, *errors))


def _properties(written: Sequence[tuple[Column, str]]) -> tuple[dict[str, Any], list[FieldError]]:
    """Returns the values of the columns that are properties, and the errors of cells that do not have their column's type."""
    properties, errors = dict[str, Any](), list[FieldError]()
    for column, cell in written:
        if column.property is None:
            continue
        try:
            properties[column.property] = column.value(cell)
        except ValueError as error:
            errors.append(FieldError(column.property, str(error)))
    return properties, errors
