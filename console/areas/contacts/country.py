"""Where a phone number without a country code is dialled: by default in the country of the organization's time zone."""

from functools import cache

import phonenumbers
from babel.core import get_global

from console.words.places import country


def country_of(time_zone: str) -> str | None:
    """Returns `NO` for Europe/Oslo, and None for a zone of no country, such as UTC."""
    found = get_global("zone_territories").get(time_zone)
    return str(found) if found and found != "001" else None


@cache
def dialled_countries() -> list[tuple[str, str]]:
    """All of them by name, for a choice."""
    return sorted(((code, country(code)) for code in phonenumbers.SUPPORTED_REGIONS), key=lambda each: each[1])
