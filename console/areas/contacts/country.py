"""Where a phone number without a country code is dialled: in the country of the organization's time zone."""

from babel.core import get_global


def country_of(time_zone: str) -> str | None:
    """Returns `NO` for Europe/Oslo, and None for a zone of no country, such as UTC."""
    found = get_global("zone_territories").get(time_zone)
    return str(found) if found and found != "001" else None
