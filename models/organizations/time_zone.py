"""Names of time zones: those of the IANA database, and nothing that only looks like one."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

# Files beside the zones of some systems that name no place.
NOT_ZONES = {"Factory", "localtime", "posixrules"}


@cache
def known_time_zones() -> frozenset[str]:
    return frozenset(available_timezones() - NOT_ZONES)


def known_time_zone(name: str) -> str:
    """Raises ValueError unless `zoneinfo` has a zone of exactly this name."""
    if name not in known_time_zones():
        raise ValueError("This is not the name of an IANA time zone; write for example Europe/Berlin or UTC.")
    return name


TimeZone = Annotated[str, AfterValidator(known_time_zone), Field(examples=["Europe/Berlin"])]
