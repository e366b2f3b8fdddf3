"""Times as callers write them."""

import re
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

_NUMBER = re.compile(r"\s*[+-]?[\d.]+\s*")


def _not_a_number(value: Any) -> Any:
    """Pydantic takes a number for seconds or, if it is large, milliseconds since 1970."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        raise PydanticCustomError("datetime_number", "a number is no time")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_not_a_number)]
"""ISO 8601 with a zone."""
