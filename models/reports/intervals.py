"""Quarters of an hour added up to hours and days, as they are in a time zone."""

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import cache
from operator import add
from typing import Literal
from zoneinfo import ZoneInfo

from models.base import EPOCH
from models.reports.clicks import Moment

Interval = Literal["quarter_hour", "hour", "day"]

WEEK, WEEKS = timedelta(weeks=1), 52 * 130


def add_up(buckets: Mapping[datetime, Moment], interval: Interval, time_zone: str) -> list[tuple[datetime, Moment]]:
    """With the first moment of each interval, in the zone's own time. Both are in the order of time.

    Every zone's days begin at a quarter of an hour of UTC, so the days' counts equal the clicks of these days. A day on which
    clocks change has 23 or 25 hours.
    """
    zone = UTC if time_zone == "UTC" else ZoneInfo(time_zone)
    begins: dict[Hashable, datetime] = {}
    found: dict[datetime, Moment] = {}  # by UTC: a local hour that comes twice is two hours
    hours_of_utc = interval == "hour" and has_whole_hours(time_zone)
    for bucket, count in buckets.items():
        if interval == "quarter_hour" or (hours_of_utc and not bucket.minute):
            begin = bucket
        else:
            begin = _begin(bucket.astimezone(zone), interval, begins)
        before = found.get(begin)
        found[begin] = count if before is None else Moment(*map(add, before, count))
    return [(begin.astimezone(zone), count) for begin, count in found.items()]


def _begin(local: datetime, interval: Interval, known: dict[Hashable, datetime]) -> datetime:
    """Returns the first moment in UTC, which all times of the same local hour or day have in common."""
    key: Hashable = local.date() if interval == "day" else (local.date(), local.hour, local.fold)
    if key not in known:
        by_day = interval == "day"
        begin = datetime.combine(local.date(), time(), local.tzinfo) if by_day else local.replace(minute=0)
        known[key] = begin.astimezone(UTC)
    return known[key]


def are_hours_enough(interval: Interval, time_zone: str) -> bool:
    """Returns whether hours of UTC add up to these intervals as exactly as quarters of an hour do."""
    return interval != "quarter_hour" and has_whole_hours(time_zone)


@cache
def has_whole_hours(time_zone: str) -> bool:
    """Returns whether the zone is whole hours from UTC in every week of 130 years. It takes some milliseconds, once."""
    zone = ZoneInfo(time_zone)
    offsets = ((EPOCH + WEEK * week).astimezone(zone).utcoffset() or timedelta() for week in range(WEEKS))
    return not any(offset % timedelta(hours=1) for offset in offsets)
