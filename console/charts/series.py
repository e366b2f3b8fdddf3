"""The intervals of a report made a chart: those without clicks are there as well, and so many are put together that each can be
seen."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal

from console.charts.waterline import Interval
from console.words.times import Times

Unit = Literal["quarter_hour", "hour", "day"]

MOST = 120
"""The most intervals of one chart."""
LENGTHS: dict[Unit, timedelta] = {"quarter_hour": timedelta(minutes=15), "hour": timedelta(hours=1), "day": timedelta(days=1)}
UNITS: dict[Unit, str] = {"quarter_hour": "quarter of an hour", "hour": "hour", "day": "day"}
"""What they are called."""


def unit_of(begin: datetime, end: datetime) -> Unit:
    """Returns the interval that a report is asked for: the shortest of which there are not too many."""
    return next((unit for unit, length in LENGTHS.items() if (end - begin) / length <= MOST), "day")


def intervals(
    series: Sequence[Mapping[str, Any]], unit: Unit, begin: datetime, end: datetime, times: Times
) -> tuple[list[Interval], timedelta]:
    """Returns the intervals from `begin` until `end`, with the length of one. A report lies within, or makes the chart longer:
    then hours become days, and days several days."""
    counts = {times.local(each["at"]).astimezone(UTC): each for each in series}
    moments = [begin.astimezone(UTC), end.astimezone(UTC), *counts]
    begin, end = min(moments), max(moments)
    if unit != "day" and (end - begin) / LENGTHS[unit] > MOST + 1:
        unit = "day"
    starts = _days(begin, end, times) if unit == "day" else steps(times.local(begin), end, LENGTHS[unit])
    length = LENGTHS[unit] if len(starts) < 2 else max(LENGTHS[unit], timedelta(days=(starts[1] - starts[0]).days))
    return add_up(series, starts, times), length


def add_up(series: Sequence[Mapping[str, Any]], starts: Sequence[datetime], times: Times) -> list[Interval]:
    """Returns the intervals that begin at these moments, each with what the report says of it."""
    counts = {times.local(each["at"]).astimezone(UTC): each for each in series}
    found, rest = list[Interval](), sorted(counts.items(), reverse=True)
    for place, start in enumerate(starts):
        after = starts[place + 1] if place + 1 < len(starts) else None
        inside = list[Mapping[str, Any]]()
        while rest and (after is None or rest[-1][0] < after):
            inside.append(rest.pop()[1])
        found.append(Interval(times.local(start), *(_sum(inside, name) for name in FIELDS)))
    return found


FIELDS = ("people", "clicks", "suspect_clicks", "bot_clicks")


def _sum(inside: Sequence[Mapping[str, Any]], name: str) -> int:
    """What is not known counts nothing: the page says so beside the chart."""
    return sum(each.get(name) or 0 for each in inside)


def steps(begin: datetime, end: datetime, length: timedelta) -> list[datetime]:
    """Returns the moments at which intervals of this length begin, from the one of `begin` to the one of `end`: at whole hours of
    the clocks of `begin`."""
    first = begin.astimezone(UTC) - (begin.replace(tzinfo=UTC) - datetime(2000, 1, 1, tzinfo=UTC)) % length
    return [first + length * place for place in range((end - first) // length + 1)]


def _days(begin: datetime, end: datetime, times: Times) -> list[datetime]:
    """Midnights of the organization's zone: every one, every other one, or as many as there is room for."""
    first, last = times.local(begin), times.local(end)
    days = (last.date() - first.date()).days + 1
    every = -(-days // MOST)
    midnights = (datetime.combine(first.date() + timedelta(days=each), time(), first.tzinfo) for each in range(0, days, every))
    return [each.astimezone(UTC) for each in midnights]
