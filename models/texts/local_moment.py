"""Times as callers write them who mean the clocks of a place: a date, a time without a zone, or a time with one.

A local time names one moment even where clocks change, by the rule of RFC 5545 and of JavaScript's `Temporal` ("compatible"): a
time that the clocks skip is as long after the change as it says (02:30 is 03:30 when 02:00 becomes 03:00), and of a time that
comes twice the first one counts. So a day begins when it begins on the clocks, also where midnight is skipped, and a range that
ends where the next one begins overlaps with it nowhere.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ValidationError, ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator

from models.texts.moment import as_written


def _readable(value: Any, read: ValidatorFunctionWrapHandler) -> datetime:
    try:
        found: datetime = read(value)
    except ValidationError:
        raise ValueError(
            "write a date, a time, or a time with its zone, such as 2026-03-01, 2026-03-01T09:00 or 2026-03-01T09:00:00Z"
        ) from None
    in_utc(found, "UTC")
    return found


def in_utc(value: datetime, time_zone: str) -> datetime:
    """Returns the moment. `time_zone`, an IANA name, counts for a time that has none. Raises ValueError when it lies before the
    year 1 or after the year 9999, in UTC or in that zone, because an answer could not show it there."""
    zone = ZoneInfo(time_zone)
    try:
        found = (value if value.tzinfo else value.replace(tzinfo=zone, fold=0)).astimezone(UTC)
        found.astimezone(zone)
    except OverflowError:
        raise ValueError("write a time that lies between the years 1 and 9999 in UTC and in the time zone as well") from None
    return found


LocalMoment = Annotated[
    datetime,
    WrapValidator(_readable),
    BeforeValidator(as_written),
    WithJsonSchema({"type": "string", "examples": ["2026-03-01", "2026-03-01T09:00", "2026-03-01T09:00:00Z"]}),
]
"""A date, or a time in ISO 8601 with a zone or without. `in_utc` says which moment is meant."""
