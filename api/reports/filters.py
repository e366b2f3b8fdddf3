"""What reports and lists of clicks can be narrowed to: the time, where and with what a click was made, and by whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Query
from pydantic import Field

from api.callers.caller import OrganizationDep
from models.base import now
from models.contacts.input import Tag
from models.errors import Invalid
from models.organizations.time_zone import TimeZone
from models.reports.where import Where
from models.texts.country import Country
from models.texts.local_moment import LocalMoment, in_utc
from models.texts.text import Text
from services.clicks.device_types import DeviceType

Known = Annotated[Text, Field(min_length=1, max_length=200)]

CLOCKS_APART = timedelta(minutes=1)
"""A time is of the future when it is so much later than this machine's clock."""

LOCAL = "A date, a time in `time_zone`, or a time with its own offset."

SinceQuery = Annotated[LocalMoment | None, Query(description=f"Then or later. {LOCAL}")]
UntilQuery = Annotated[LocalMoment | None, Query(description=f"Before. {LOCAL}")]
TimeZoneQuery = Annotated[
    TimeZone | None, Query(description="Whose clocks count: an IANA name. The organization's own, unless it is given.")
]


@dataclass(frozen=True)
class TimeRange:
    """`since` is included and `until` is not; both are in UTC, and None sets no limit. Days and hours are those of
    `time_zone`."""

    since: datetime | None
    until: datetime | None
    time_zone: str

    def local(self, at: datetime | None) -> datetime | None:
        """Returns the moment on the clocks of the zone, or in UTC at the ends of time, where its clocks have no such time."""
        try:
            return at and at.astimezone(ZoneInfo(self.time_zone))
        except OverflowError:
            return at

    @classmethod
    def read(cls, since: datetime | None, until: datetime | None, time_zone: str) -> Self:
        """Raises Invalid for a range that ends before it begins, and for a time that nothing can count with."""
        begin, end = _moment("since", since, time_zone), _moment("until", until, time_zone)
        if begin and end and end < begin:
            begins = cls(begin, end, time_zone).local(begin) or begin
            raise Invalid.field("until", f"The range ends before it begins, at {begins.isoformat()}.")
        return cls(begin, end, time_zone)


def _moment(field: str, value: datetime | None, time_zone: str) -> datetime | None:
    try:
        return None if value is None else in_utc(value, time_zone)
    except ValueError as error:
        raise Invalid.field(field, f"{error.args[0][:1].upper()}{error.args[0][1:]}.") from None


def time_range(
    caller: OrganizationDep, since: SinceQuery = None, until: UntilQuery = None, time_zone: TimeZoneQuery = None
) -> TimeRange:
    return TimeRange.read(since, until, time_zone or caller.time_zone)


TimeRangeDep = Annotated[TimeRange, Depends(time_range)]
"""Of a list, which is empty for a time of the future."""


def time_of_report(time: TimeRangeDep) -> TimeRange:
    """A report without `until` ends now. Raises Invalid for one that would begin later."""
    if time.since is not None and time.until is None and time.since > now() + CLOCKS_APART:
        raise Invalid.field("since", "This time has not come yet, and without `until` the report ends now.")
    return time


TimeOfReportDep = Annotated[TimeRange, Depends(time_of_report)]


def where(
    country: Annotated[Country | None, Query(description="ISO 3166-1 alpha-2.")] = None,
    region: Annotated[Known | None, Query(description="As reports name it.", examples=["Bavaria"])] = None,
    city: Annotated[Known | None, Query(description="As reports name it.", examples=["Berlin"])] = None,
    device_type: DeviceType | None = None,
    browser: Annotated[Known | None, Query(description="As reports name it.", examples=["Mobile Safari"])] = None,
    os: Annotated[Known | None, Query(description="As reports name it.", examples=["iOS"])] = None,
    tag: Annotated[Tag | None, Query(description="Only clicks of contacts who have this tag now.")] = None,
) -> Where:
    return Where(country, region, city, device_type, browser, os, tag)


LinkFilter = Annotated[UUID | None, Query(description="Only clicks on this link.")]
