"""Reads values as people write them into a file, and says in an error what to write instead."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, SecretStr, TypeAdapter, ValidationError

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
CALENDAR_UNITS = re.compile(r"\s*[+-]?P[^T]*[YM]")
"""Matches the beginning of an ISO 8601 duration with years or months, which pydantic takes for 365 and 30 days."""

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def duration(lowest: timedelta, highest: timedelta, words: str) -> BeforeValidator:
    """Reads ISO 8601 durations and seconds, which pydantic accepts only as numbers. `words` names the bounds."""
    parse = TypeAdapter(timedelta).validate_python

    def read(value: object) -> timedelta:
        try:
            number = isinstance(value, str) and _NUMBER.fullmatch(value.strip())
            found = timedelta(seconds=float(number[0])) if number else parse(value)
        except (ValidationError, OverflowError):
            found = None
        if isinstance(value, str) and CALENDAR_UNITS.match(value):
            raise ValueError("years and months are not always of one length: write days, such as P30D")
        if found is None or not lowest <= found <= highest:
            raise ValueError(f"write seconds (0.5, 10) or an ISO 8601 duration (PT10S, P7D), {words}")
        return found

    return BeforeValidator(read)


def whole(lowest: int | None = None, highest: int | None = None) -> BeforeValidator:
    """Reads a whole number within these bounds and names the bounds in its error."""
    bounds = f" from {lowest} to {highest}" if highest is not None else f" of at least {lowest}" if lowest is not None else ""

    def read(value: object) -> int:
        try:
            number = int(str(value))
        except ValueError:
            number = None
        if number is None or (lowest is not None and number < lowest) or (highest is not None and number > highest):
            raise ValueError(f"write a whole number{bounds}")
        return number

    return BeforeValidator(read)


def separated(part: Callable[[str], object] = str) -> BeforeValidator:
    """Reads parts between commas, each by `part`, without spaces and empty ones. Fields with it need `NoDecode` as well."""

    def read(value: object) -> object:
        return tuple(part(each.strip()) for each in value.split(",") if each.strip()) if isinstance(value, str) else value

    return BeforeValidator(read)


PortNumber = Annotated[int, whole(1, 65535)]


def check_keys(value: SecretStr | None) -> SecretStr | None:
    """Returns the comma separated AES-256 keys if each of them has the form that it needs."""
    for key in value.get_secret_value().split(",") if value else []:
        if not _is_key(key):
            raise ValueError("each key must be 64 hexadecimal digits; make one with: openssl rand -hex 32")
    return value


def _is_key(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 32
    except ValueError:
        return False
