"""Times as callers write them."""

import re
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

_NUMBER = re.compile(r"\s*[+-]?[\d.]+\s*")


def _not_a_number(value: Any) -> Any:
    """Pydantic takes a number for seconds or, if it is large, milliseconds since 1970."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        raise ValueError("a number is no time: write a time with its zone, such as 2026-03-01T09:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_not_a_number)]
"""ISO 8601 with a zone."""
