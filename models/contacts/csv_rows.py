"""The rows of a contact import: what a file says about each contact.

An empty cell leaves the field as it is, and one with the caller's word for it (`clear`) empties the field. Tags are separated by
semicolons, commas or bars inside of their cell.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from models.contacts.columns import CONSENT_COLUMNS, Column, read_header
from models.contacts.csv_consent import Answers, read_consent
from models.contacts.csv_file import csv_rows, header_line, invalid
from models.contacts.row import ContactRow, Key, RowOptions, read_row
from models.errors import FieldError
from models.texts.plain_text import plain

TAG_FIELDS = ("tags", "tags_add", "tags_remove")

_TAGS = re.compile("[;,|]")


class ImportOptions(BaseModel):
    """What the caller says about a file: what its columns become, and how its rows are read. `tags` says what the column of that
    name does, and a cell that is `clear` empties its field."""

    model_config = ConfigDict(frozen=True)

    delimiter: str = ","
    columns: dict[str, str | None] = {}
    match_on: Key | None = None
    default_country: str | None = None
    tags: Literal["add", "replace"] = "add"
    clear: str | None = None


@dataclass(frozen=True)
class CsvRow:
    """`line` is the line of the file in which the row begins, from 1. `consent` is what the row says about getting messages."""

    line: int
    contact: ContactRow
    consent: Answers = field(default_factory=dict)


def count_rows(text: str, options: ImportOptions) -> int:
    """Returns how many rows follow the header. Raises Invalid for a file that cannot be read to its end, or that has no row."""
    if not text or text.isspace():
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


def columns_of(text: str, options: ImportOptions) -> list[Column]:
    """Returns what each column of a readable file becomes."""
    return read_header(next(csv_rows(text, options.delimiter)), options.columns, header_line(text))


def read_rows(text: str, options: ImportOptions, skip: int = 0) -> Iterator[CsvRow]:
    """Yields the rows below the header without the first `skip`. Lines that are blank or hold only separators do not count."""
    reader = csv_rows(text, options.delimiter)
    columns = read_header(next(reader), options.columns, header_line(text))
    line = reader.line_num + 1
    for cells in reader:
        if not _says_something(cells):
            pass
        elif skip > 0:
            skip -= 1
        else:
            contact, (consent, errors) = _contact(columns, cells, options), read_consent(columns, cells)
            yield CsvRow(line, ContactRow(contact.contact, (*contact.errors, *errors)), consent)
        line = reader.line_num + 1


def _says_something(cells: Sequence[str]) -> bool:
    """Spreadsheets write lines of separators below their data."""
    return any(cell.strip() for cell in cells)


def _contact(columns: Sequence[Column], cells: Sequence[str], options: ImportOptions) -> ContactRow:
    if len(cells) != len(columns):
        return ContactRow(None, (FieldError("row", f"The row has {len(cells)} cells, the header has {len(columns)}."),))
    about = [pair for pair in zip(columns, cells, strict=True) if pair[0].field not in CONSENT_COLUMNS]
    written = [(column, cell) for column, each in about if (cell := each.strip()) and plain(cell)]
    contact = dict(_field(column.field, cell, options) for column, cell in written if column.field)
    properties, errors = _properties(written, options.clear)
    if properties:
        contact["properties"] = properties
    row = read_row(contact, RowOptions(options.match_on, options.default_country))
    return ContactRow(row.contact, (*row.errors, *errors))


def _field(field: str, cell: str, options: ImportOptions) -> tuple[str, Any]:
    """Returns the field of the contact and its value. Tags are added to those that the contact has, unless the caller replaces
    them or the cell clears them."""
    cleared = cell == options.clear
    if field not in TAG_FIELDS:
        return field, None if cleared else cell
    tags = [] if cleared else [tag for tag in _TAGS.split(cell) if plain(tag)]
    return "tags_add" if field == "tags" and options.tags == "add" and not cleared else field, tags


def _properties(written: Sequence[tuple[Column, str]], clear: str | None) -> tuple[dict[str, Any], list[FieldError]]:
    """Returns the values of the columns that are properties, and the errors of cells that do not have their column's type."""
    properties, errors = dict[str, Any](), list[FieldError]()
    for column, cell in written:
        if column.property is None:
            continue
        try:
            properties[column.property] = None if cell == clear else column.value(cell)
        except ValueError as error:
            errors.append(FieldError(column.property, str(error)))
    return properties, errors
