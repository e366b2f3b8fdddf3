"""One row of many, in a bulk request or a file, which is read as far as it can be read.

A row with a field that cannot be read is written without that field, as long as it still says who it is: an address book in which
every second phone number is wrong is still an address book. The key that says who it is may not be missing: a row whose e-mail
address cannot be read is not applied to whoever has its phone number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from models.contacts.input import KEYS, ContactInput
from models.errors import FieldError
from models.field_errors import field_errors

Key = Literal["external_id", "email", "phone"]

MOST_FIELDS = 50
"""A row with more properties is refused as a whole, before each of its fields is read."""
ERRORS_LISTED = 10
"""The most errors of one row."""


@dataclass(frozen=True)
class ContactRow:
    """`contact` is None when the row failed. Otherwise `errors` names the fields that were left out."""

    contact: ContactInput | None
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True)
class RowOptions:
    """What a caller says about all rows. `default_country` is that of phone numbers without a country code, unless the row has
    its own."""

    match_on: Key | None = None
    default_country: str | None = None


def read_row(raw: Any, options: RowOptions = RowOptions()) -> ContactRow:
    if not isinstance(raw, dict):
        return ContactRow(None, (FieldError("contact", "This has to be an object."),))
    if len(raw) > MOST_FIELDS:
        fields = ", ".join(ContactInput.model_fields)
        problem = f"There are {len(raw):,} fields. A contact has {fields}; everything else is a property."
        return ContactRow(None, (FieldError("contact", problem),))
    if options.default_country is not None:
        raw = {"default_country": options.default_country, **raw}
    try:
        return ContactRow(ContactInput.model_validate(raw))
    except ValidationError as error:
        return _without_wrong_fields(raw, error, options.match_on)


def read_rows(rows: Iterable[Any], options: RowOptions = RowOptions()) -> list[ContactRow]:
    """Reads the rows. Each takes a tenth of a millisecond, so thousands belong into a thread."""
    return [read_row(row, options) for row in rows]


def _without_wrong_fields(raw: dict[str, Any], error: ValidationError, match_on: Key | None) -> ContactRow:
    details = error.errors(include_url=False, include_input=False)
    errors = tuple(field_errors(details, whole="contact", most=ERRORS_LISTED))
    wrong = {str(each["loc"][0]) if each["loc"] else "" for each in details}
    rest = {name: value for name, value in raw.items() if name not in wrong}
    if not wrong <= ContactInput.model_fields.keys() or not _says_who(rest, wrong, match_on):
        return ContactRow(None, errors)
    try:
        return ContactRow(ContactInput.model_validate(rest), errors)
    except ValidationError:  # one wrong field can hide that another one is needed
        return ContactRow(None, errors)


def _says_who(rest: dict[str, Any], wrong: set[str], match_on: Key | None) -> bool:
    """Whether the row still says who it is: by the key that the caller named, or by one that is stronger than every key that
    cannot be read."""
    if match_on is not None:
        return rest.get(match_on) is not None
    strongest = next((key for key in KEYS if rest.get(key) is not None or key in wrong), None)
    return strongest is not None and strongest not in wrong
