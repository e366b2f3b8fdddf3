"""Quarters of an hour added up to hours and days, as they are in a time zone."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from models.reports.clicks import Count

Interval = Literal["quarter_hour", "hour", "day"]


def add_up(buckets: Mapping[datetime, Count], interval: Interval, time_zone: str) -> list[tuple[datetime, Count]]:
    """With the first moment of each interval, in the zone's own time. Both are in the order of time.

    Every zone's days begin at a quarter of an hour of UTC, so the days' counts equal the clicks of these days. A day on which
    clocks change has 23 or 25 hours.
    """
    zone = UTC if time_zone == "UTC" else ZoneInfo(time_zone)
    found: dict[datetime, Count] = {}  # by UTC: a local hour that comes twice is two hours
    for bucket, count in buckets.items():
        begin = _begin(bucket.astimezone(zone), interval).astimezone(UTC)
        before = found.get(begin, Count(0, 0))
        found[begin] = Count(before.clicks + count.clicks, before.people + count.people)
    return [(begin.astimezone(zone), count) for begin, count in found.items()]


def _begin(local: datetime, interval: Interval) -> datetime:
    if interval == "day":
        return datetime.combine(local.date(), time(), local.tzinfo)
    return local.replace(minute=0) if interval == "hour" else local
