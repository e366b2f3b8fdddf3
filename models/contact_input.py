"""What a contact may be, in one place: for a single request, for a row of a bulk request and for a line of a file.

E-mail addresses become lower case, phone numbers E.164. Whether an address exists is not asked (no DNS).
"""

import json
import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.config import JsonDict

from models.errors import FieldError
from models.field_errors import field_errors
from models.text import Text, is_blank, storable
from models.time_zone import TimeZone

KEYS = ("external_id", "email", "phone")
"""Each names at most one contact of an organization."""

MAX_TAGS = 100
MAX_PROPERTIES_BYTES = 16 * 1024
MAX_DEPTH = 20

# Letters stand for digits in advertisements only; an extension cannot be dialled by a sender.
_PHONE = re.compile(r"\+[0-9 ().\-/\u00a0]+")
_PROPERTY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")

EXAMPLE: JsonDict = {
    "external_id": "crm-1001",
    "email": "ada@example.com",
    "phone": "+12025550123",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "time_zone": "Europe/London",
    "tags": ["newsletter"],
    "properties": {"plan": "gold", "logins": 42},
}


def normal_email(text: str) -> str:
    """Lower case; domains for tests (`.test`) are allowed, they reach nobody."""
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        raise ValueError(f"This is not an e-mail address: {error}") from None


def normal_phone(text: str) -> str:
    """E.164. Numbers are checked for length only: ranges that are free today, or kept for films, are numbers too."""
    problem = "This is not a phone number: write + and the country code, then the number, such as +12025550123."
    if not _PHONE.fullmatch(text.strip()):
        raise ValueError(problem)
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        raise ValueError(problem) from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("No phone number of this country has that number of digits.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal_tag(text: str) -> str:
    """Letters, marks and digits of any script, and `_ . : -` and spaces inside; upper and lower case are different tags."""
    tag = text.strip()
    fits = 1 <= len(tag) <= 64 and all(each in "_ .:-" or unicodedata.category(each)[0] in "LMN" for each in tag)
    if not fits:
        raise ValueError("A tag has 1 to 64 letters, digits, spaces or any of _ . : -")
    return tag


def without_repeats(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


def not_blank(text: str) -> str:
    if is_blank(text):
        raise ValueError("This is empty: leave the field out, or send null to remove it.")
    return text


def checked_properties(properties: dict[str, Any]) -> dict[str, Any]:
    for name in properties:
        if problem := property_problem(name):
            raise ValueError(problem)
    _check_value(properties, MAX_DEPTH)
    if properties_size(properties) > MAX_PROPERTIES_BYTES:
        raise ValueError("All properties together may have 16 KB.")
    return properties


def property_problem(name: str) -> str | None:
    """Why this cannot be the name of a property; None: it can."""
    if _PROPERTY.fullmatch(name):
        return None
    shown = name[:40].encode("utf-8", "replace").decode()
    return f"'{shown}' cannot be the name of a property: 1 to 63 letters a to z, digits and _, not beginning with a digit."


def properties_size(properties: dict[str, Any]) -> int:
    """Bytes as JSON."""
    return len(json.dumps(properties, ensure_ascii=False, separators=(",", ":")).encode())


def _check_value(value: Any, depth: int) -> None:
    """ValueError for what JSON in the database cannot hold, or not well."""
    if depth == 0:
        raise ValueError(f"Properties may be nested {MAX_DEPTH} levels deep.")
    match value:
        case str():
            storable(value)
        case float() if not math.isfinite(value):
            raise ValueError("NaN and infinite numbers cannot be stored.")
        case dict():
            for key, each in value.items():
                storable(key)
                _check_value(each, depth - 1)
        case list():
            for each in value:
                _check_value(each, depth - 1)


Tag = Annotated[str, AfterValidator(normal_tag), Field(examples=["newsletter"])]
Name = Annotated[Text, AfterValidator(not_blank), Field(max_length=200)]
ExternalId = Annotated[Text, AfterValidator(not_blank), Field(min_length=1, max_length=255)]
Email = Annotated[Text, AfterValidator(normal_email), Field(max_length=254)]
Phone = Annotated[Text, AfterValidator(normal_phone), Field(max_length=40)]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS), AfterValidator(without_repeats)]
Properties = Annotated[dict[str, Any], AfterValidator(checked_properties)]


class ContactFields(BaseModel):
    """Only what is given changes. `null` removes a value; `tags` replace the tags; each property is its own field, and a
    property that is `null` is removed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"tags": ["newsletter", "vip"]}]})

    external_id: ExternalId | None = Field(None, description="Your own name for the contact.", examples=["crm-1001"])
    email: Email | None = Field(None, description="Kept in lower case.", examples=["ada@example.com"])
    phone: Phone | None = Field(None, description="With + and country code; kept as E.164.", examples=["+12025550123"])
    first_name: Name | None = Field(None, examples=["Ada"])
    last_name: Name | None = Field(None, examples=["Lovelace"])
    time_zone: TimeZone | None = Field(None, description="IANA name.", examples=["Europe/London"])
    tags: Tags = Field(default_factory=list, description="At most 100; letters, digits, spaces and _ . : - in any script.")
    properties: Properties = Field(
        default_factory=dict, description="Anything else, up to 16 KB as JSON.", examples=[{"plan": "gold", "logins": 42}]
    )

    def given(self) -> dict[str, Any]:
        """The fields that the caller wrote, and no others."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ContactInput(ContactFields):
    """At least one of `external_id`, `email` and `phone` is needed: they say who it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    @model_validator(mode="after")
    def _names_somebody(self) -> "ContactInput":
        if not any(getattr(self, key) for key in KEYS):
            raise ValueError("Give at least one of external_id, email and phone.")
        return self


def read_contact(raw: Any) -> ContactInput | list[FieldError]:
    """One row of many: the contact, or what is wrong with it."""
    try:
        return ContactInput.model_validate(raw)
    except ValidationError as error:
        return field_errors(error.errors(include_url=False, include_input=False), whole="contact")


def read_contacts(rows: Iterable[Any]) -> list[ContactInput | list[FieldError]]:
    """A tenth of a millisecond for each, so thousands belong in a thread."""
    return [read_contact(row) for row in rows]
