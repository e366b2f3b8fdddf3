"""A property of a contact: what its organization keeps of it under a name of its own."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from models.contacts.input import property_problem
from models.segments.kinds.base import Comparison, optional
from models.segments.kinds.field import Value
from models.segments.values import Values
from models.texts.text import Text, storable

LONGEST = 500
"""Characters of a text to which a property is compared."""

ISO_TIME = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$"
"""A date or a time, as a property is compared to one. Without a zone it is in UTC."""


def _known_name(name: str) -> str:
    if problem := property_problem(name):
        raise ValueError(problem)
    return name


def _scalar(value: Any) -> Any:
    if isinstance(value, str) and len(value) <= LONGEST:
        return storable(value)
    if isinstance(value, bool) or _is_number(value):
        return value
    raise ValueError(f"write a text of at most {LONGEST} characters, a number, true or false")


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)))


def _number_or_time(value: Any) -> Any:
    if _is_number(value) or (isinstance(value, str) and _time(value) is not None):
        return value
    raise ValueError("write a number, or a date or time such as 2026-03-01 or 2026-03-01T09:00:00Z")


def _time(text: str) -> datetime | None:
    """Returns the time, or None for a text that is not one."""
    if not re.match(ISO_TIME, text):
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


SCALAR = {"anyOf": [{"type": "string", "maxLength": LONGEST}, {"type": "number"}, {"type": "boolean"}]}
PropertyName = Annotated[Text, AfterValidator(_known_name), Field(examples=["plan"])]
Scalar = Annotated[Any, AfterValidator(_scalar), WithJsonSchema(SCALAR)]
NumberOrTime = Annotated[
    Any, AfterValidator(_number_or_time), WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}]})
]


class PropertyCondition(Comparison):
    """Compares a property. One that the contact does not have equals and contains nothing, so it is `not_equals` to everything.

    `greater` and `less` compare numbers with a number, and texts that are dates or times with a date or time. Anything else is
    neither greater nor less.
    """

    kind: Literal["property"]
    name: PropertyName
    equals: Scalar | None = optional(description="Exactly this text, number, true or false.", examples=["gold"])
    not_equals: Scalar | None = optional(description="Anything else, or nothing at all.")
    contains: Value | None = optional(description="A text that has this in it, in upper or lower case, or a list with this text.")
    exists: bool | None = optional(strict=True, description="true: the contact has it. false: it does not.")
    greater: NumberOrTime | None = optional(description="More than this number, or later than this time.", examples=[10])
    less: NumberOrTime | None = optional(description="Less than this number, or earlier than this time.")

    def sql(self, values: Values) -> str:
        name = values.add(self.name)
        parts = []
        if self.equals is not None:
            parts.append(self._equals(values, self.equals))
        if self.not_equals is not None:
            parts.append(f"NOT {self._equals(values, self.not_equals)}")
        if self.contains is not None:
            parts.append(CONTAINS.format(name=name, value=values.add(self.contains)))
        if self.exists is not None:
            parts.append(f"{'' if self.exists else 'NOT '}jsonb_exists(contact.properties, {name})")
        for sign, value in ((">", self.greater), ("<", self.less)):
            if isinstance(value, str):
                parts.append(COMPARE_TIME.format(name=name, form=values.add(ISO_TIME), sign=sign, value=_bound(values, value)))
            elif value is not None:
                parts.append(COMPARE_NUMBER.format(name=name, sign=sign, value=values.add(str(value), "numeric")))
        return " AND ".join(parts)

    def _equals(self, values: Values, value: Any) -> str:
        return f"contact.properties @> {values.add(json.dumps({self.name: value}), 'jsonb')}"


def _bound(values: Values, text: str) -> str:
    return values.add(_time(text), "timestamptz")


CONTAINS = """CASE jsonb_typeof(contact.properties -> {name})
    WHEN 'string' THEN position(lower({value}) IN lower(contact.properties ->> {name})) > 0
    WHEN 'array' THEN jsonb_exists(contact.properties -> {name}, {value}) ELSE false END"""

COMPARE_NUMBER = """CASE jsonb_typeof(contact.properties -> {name})
    WHEN 'number' THEN CAST(contact.properties -> {name} AS numeric) {sign} {value} ELSE false END"""

COMPARE_TIME = """CASE WHEN jsonb_typeof(contact.properties -> {name}) = 'string' AND (contact.properties ->> {name}) ~ {form}
    AND pg_input_is_valid(contact.properties ->> {name}, 'timestamptz')
    THEN CAST(contact.properties ->> {name} AS timestamptz) {sign} {value} ELSE false END"""
