"""What a contact may be, in one place: for a single request, for a row of a bulk request and for a line of a file.

E-mail addresses become lower case, phone numbers E.164, tags and external ids plain text, so that a pasted text is the same key
or tag as a typed one. Whether an address exists is not checked (no DNS).
"""

import json
import math
import re
import unicodedata
from typing import Annotated, Any, Self
from urllib.parse import unquote

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator
from pydantic.config import JsonDict

from models.contacts.phone import Country, normal_phone
from models.organizations.time_zone import TimeZone
from models.texts.plain_text import plain
from models.texts.text import Text, is_blank, storable

KEYS = ("external_id", "email", "phone")
"""The keys of a contact. Each names at most one contact of an organization."""


def keys_of(shared_mailboxes: bool) -> tuple[str, ...]:
    """Returns the keys that find contacts, the strongest first: without the e-mail address where contacts share mailboxes."""
    return tuple(key for key in KEYS if not (shared_mailboxes and key == "email"))


NOT_STORED = frozenset({"default_country", "tags_add", "tags_remove"})
"""Fields that say how others are read or changed."""

MAX_TAGS = 100
LONGEST_WRITTEN_TAG = 1_000
"""Characters of a tag as it was written, before what cannot be seen is taken away."""
MAX_PROPERTIES_BYTES = 16 * 1024
MAX_DEPTH = 20

_NAMED_ADDRESS = re.compile(r"[^<>]*<([^<>]+)>")
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
    """Returns the address in lower case, without a name or `mailto:` around it. Domains for tests (`.test`) are allowed, because
    they reach nobody."""
    address = plain(text)
    if address.lower().startswith("mailto:"):
        address = unquote(address[len("mailto:") :].partition("?")[0])
    if named := _NAMED_ADDRESS.fullmatch(address):
        address = named[1]
    try:
        found = validate_email(address.strip(" .,;"), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"This is not an e-mail address: {error}") from None
    return unicodedata.normalize("NFC", found.normalized.lower())


def normal_external_id(text: str) -> str:
    """Upper and lower case are different external ids."""
    return plain(text)


def normal_tag(text: str) -> str:
    """A tag has letters, marks and digits of any script, and `_ . : -` and spaces inside. Upper and lower case are different
    tags."""
    tag = plain(text) if len(text) <= LONGEST_WRITTEN_TAG else ""
    fits = 1 <= len(tag) <= 64 and all(each in "_ .:-" or unicodedata.category(each)[0] in "LMN" for each in tag)
    if not fits:
        raise ValueError("A tag has 1 to 64 letters, digits, spaces or any of _ . : -")
    return tag


def _few(tags: Any) -> Any:
    """Counts the tags before each is judged, so that a million wrong ones are one error."""
    if isinstance(tags, list) and len(tags) > MAX_TAGS:
        raise ValueError(f"At most {MAX_TAGS} entries are possible.")
    return tags


def _phone(text: str, info: ValidationInfo) -> str:
    return normal_phone(text, info.data.get("default_country"))


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
    """Returns why this cannot be the name of a property, or None when it can."""
    if _PROPERTY.fullmatch(name):
        return None
    shown = name[:40].encode("utf-8", "replace").decode()
    return f"'{shown}' cannot be the name of a property: 1 to 63 letters a to z, digits and _, not beginning with a digit."


def properties_size(properties: dict[str, Any]) -> int:
    """Returns the size in bytes as JSON."""
    return len(json.dumps(properties, ensure_ascii=False, separators=(",", ":")).encode())


def _check_value(value: Any, depth: int) -> None:
    """Raises ValueError for values that JSON in the database cannot hold, or cannot hold well."""
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
# How long a text may be comes before what reads each character of it.
Name = Annotated[Text, Field(max_length=200), AfterValidator(not_blank)]
ExternalId = Annotated[
    Text, Field(max_length=255), AfterValidator(not_blank), Field(min_length=1), AfterValidator(normal_external_id)
]
Email = Annotated[Text, Field(max_length=500), AfterValidator(normal_email), Field(max_length=254)]
Phone = Annotated[Text, Field(max_length=100), AfterValidator(_phone)]
Tags = Annotated[list[Tag], BeforeValidator(_few), Field(max_length=MAX_TAGS), AfterValidator(without_repeats)]
Properties = Annotated[dict[str, Any], AfterValidator(checked_properties)]


class ContactFields(BaseModel):
    """Only the given fields are changed. `null` removes a value. `tags` replace all tags; `tags_add` and `tags_remove` leave the
    others as they are. Each property is a field of its own, and a property that is `null` is removed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"tags": ["newsletter", "vip"]}]})

    # This field comes before `phone`, which is read with it.
    default_country: Country | None = Field(
        None, description="Where a phone number without a country code is dialled; not kept.", examples=["DE"]
    )
    external_id: ExternalId | None = Field(None, description="Your own name for the contact.", examples=["crm-1001"])
    email: Email | None = Field(None, description="Kept in lower case.", examples=["ada@example.com"])
    phone: Phone | None = Field(None, description="With + and country code; kept as E.164.", examples=["+12025550123"])
    first_name: Name | None = Field(None, examples=["Ada"])
    last_name: Name | None = Field(None, examples=["Lovelace"])
    time_zone: TimeZone | None = Field(None, description="IANA name.", examples=["Europe/London"])
    tags: Tags = Field(default_factory=list, description="At most 100; letters, digits, spaces and _ . : - in any script.")
    tags_add: Tags = Field(default_factory=list, description="Tags that the contact gets beside those that it has.")
    tags_remove: Tags = Field(default_factory=list, description="Tags that the contact has no more.", examples=[["trial"]])
    properties: Properties = Field(
        default_factory=dict, description="Anything else, up to 16 KB as JSON.", examples=[{"plan": "gold", "logins": 42}]
    )

    def given(self) -> dict[str, Any]:
        """Returns the fields of the contact that the caller wrote, and no others."""
        return {name: getattr(self, name) for name in self.model_fields_set - NOT_STORED}

    def tags_of(self, before: list[str]) -> list[str]:
        """Returns the tags of a contact that had those before. They keep their order, and new ones come behind them."""
        kept = [tag for tag in (self.tags if "tags" in self.model_fields_set else before) if tag not in self.tags_remove]
        return without_repeats([*kept, *self.tags_add])

    @model_validator(mode="after")
    def _changes_tags_in_one_way(self) -> Self:
        if "tags" in self.model_fields_set and (self.tags_add or self.tags_remove):
            raise ValueError("Give either tags, which replace all, or tags_add and tags_remove.")
        if both := sorted(set(self.tags_add) & set(self.tags_remove)):
            raise ValueError(f"The tag '{both[0]}' cannot be added and removed at once.")
        return self


class ContactInput(ContactFields):
    """At least one of `external_id`, `email` and `phone` is needed, because they say who it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    @model_validator(mode="after")
    def _names_somebody(self) -> "ContactInput":
        if not any(getattr(self, key) for key in KEYS):
            raise ValueError("Give at least one of external_id, email and phone.")
        return self
