"""Names of places: the API says country codes."""

from functools import cache

from babel import Locale

NO_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
"""Codes of unions, of tests and of what is not known."""


@cache
def _territories() -> dict[str, str]:
    return dict(Locale("en").territories)


@cache
def countries() -> dict[str, str]:
    """Names of countries by code, in the order of names."""
    codes = {code for code in _territories() if len(code) == 2 and code.isalpha()} - NO_COUNTRIES
    return {code: _territories()[code] for code in sorted(codes, key=_territories().__getitem__)}


def country(code: str | None) -> str:
    """`NO` is Norway. Unknown is a bucket of its own."""
    return "Not known" if not code else _territories().get(code, code)


def place(city: str | None, code: str | None) -> str:
    """`Oslo, Norway`"""
    if not code and not city:
        return "Place not known"
    return f"{city}, {country(code)}" if city else country(code)
