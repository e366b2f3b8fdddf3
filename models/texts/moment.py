"""Times as callers write them."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

_NUMBER = re.compile(r"\s*[+-]?[\d.]+\s*")
_PLUS_LOST = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S* \d\d:?\d\d\s*", re.IGNORECASE)
"""A time with a space where its offset has the plus sign: that is what an unescaped + in an address means."""


def as_written(value: Any) -> Any:
    """Refuses numbers, because Pydantic takes a number for seconds or, if it is large, milliseconds since 1970. Refuses a time
    that lost its plus sign on the way, and says how to write it."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise ValueError("a number is no time: write a time with its zone, such as 2026-03-01T09:00:00Z")
    if isinstance(value, str) and _PLUS_LOST.fullmatch(value):
        raise ValueError("a + in an address stands for a space: write %2B for the plus sign, as in 2026-03-01T09:00:00%2B05:45")
    return value


def _in_utc(value: datetime) -> datetime:
    """Refuses a time whose zone puts it before the year 1 or after the year 9999, because nothing can count with it."""
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise ValueError("write a time that lies between the years 1 and 9999 in UTC as well") from None
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(as_written), AfterValidator(_in_utc)]
"""A time in ISO 8601 with a zone."""
