"""Names of places: the API says country codes."""

from functools import cache

from babel import Locale


@cache
def _territories() -> dict[str, str]:
    return dict(Locale("en").territories)


def country(code: str | None) -> str:
    """`NO` is Norway. Unknown is a bucket of its own."""
    return "Not known" if not code else _territories().get(code, code)


def place(city: str | None, code: str | None) -> str:
    """`Oslo, Norway`"""
    if not code and not city:
        return "Place not known"
    return f"{city}, {country(code)}" if city else country(code)
