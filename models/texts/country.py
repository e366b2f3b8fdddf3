"""Countries by the codes that locations have."""

from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import AfterValidator, Field

from models.texts.text import Form

KOSOVO = "XK"
"""It has no code of ISO 3166-1, and geographic databases use this one."""


@cache
def known_countries() -> frozenset[str]:
    """The codes of ISO 3166-1, from the data of time zones."""
    lines = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8").splitlines()
    return frozenset({line.partition("\t")[0] for line in lines if line and not line.startswith("#")} | {KOSOVO})


def _known(code: str) -> str:
    if code not in known_countries():
        raise ValueError("No country has this code: write one of ISO 3166-1, such as DE.")
    return code


Country = Annotated[
    str,
    Form("^[A-Z]{2}$", "Write the two capital letters of ISO 3166-1, such as DE."),
    AfterValidator(_known),
    Field(examples=["DE"]),
]
"""ISO 3166-1 alpha-2."""
