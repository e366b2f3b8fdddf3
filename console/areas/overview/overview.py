"""The overview: clicks over time, what is being sent, what needs a look, and who clicked just now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from console.charts.series import Unit, add_up, intervals, steps
from console.charts.waterline import Interval
from console.findings import to_do
from console.page import Page
from console.pages import Pages
from console.words.woken import woken_by

pages = Pages("overview")

CAMPAIGNS, SEQUENCES, CLICKS, DAYS = 5, 4, 6, 14


@dataclass(frozen=True)
class Period:
    """`length` is that of one bar."""

    title: str
    words: str
    before: str
    past: timedelta
    unit: Unit
    length: timedelta
    every: str


PERIODS = {
    "24h": Period(
        "24 hours", "last 24 hours", "the day before", timedelta(days=1), "quarter_hour", timedelta(minutes=15), "15 minutes"
    ),
    "7d": Period("7 days", "last 7 days", "the week before", timedelta(days=7), "hour", timedelta(hours=2), "2 hours"),
    "30d": Period("30 days", "last 30 days", "the 30 days before", timedelta(days=30), "day", timedelta(days=1), "day"),
}


@pages.get("/", reads=["period"])
async def overview(page: Page) -> Response:
    """`?period=24h` (the default), `7d` or `30d`."""
    name = page.choice("period", PERIODS, "24h")
    period = PERIODS[name]
    times = page.times
    since = times.now - period.past
    found = await page.together(
        numbers=page.api.get("/analytics", since=since.isoformat(), interval=period.unit, time_zone=times.zone_name),
        delays=page.api.get("/analytics/delays", period=name),
        hours=page.api.get("/analytics/hours", time_zone=times.zone_name),
        campaigns=page.api.get(
            "/analytics/campaigns/list",
            state=["sending", "tracking"],
            limit=CAMPAIGNS,
            days=DAYS,
            time_zone=times.zone_name,
        ),
        sequences=page.api.get("/sequences", state="published", limit=SEQUENCES),
        clicks=page.api.get("/clicks", limit=CLICKS),
        diagnostics=page.api.get("/diagnostics"),
    )
    numbers = found["numbers"]
    bars = _bars(numbers, period, page)
    return page.render(
        "overview/overview.html",
        **found,
        chosen=name,
        period=period,
        periods=PERIODS,
        since=since,
        bars=bars,
        woken_by=woken_by(found["delays"]),
        by_hour=_by_hour(bars) if name == "24h" else bars,
        machines=numbers["suspect_clicks"] + numbers["bot_clicks"],
        busiest=_busiest(found["hours"]["clicks"]),
        todo=to_do(found["diagnostics"]["findings"]),
        is_new=not (found["campaigns"]["states"] or found["sequences"]["items"]),
    )


def _bars(numbers: Mapping[str, Any], period: Period, page: Page) -> list[Interval]:
    begin, end = page.times.now - period.past, page.times.now
    if period.unit == "day":
        return intervals(numbers["series"], "day", begin, end, page.times)[0]
    return add_up(numbers["series"], steps(begin, end, period.length), page.times)


def _by_hour(bars: Sequence[Interval]) -> list[Interval]:
    """Quarters of an hour are too many for a table."""
    found = list[Interval]()
    for each in bars:
        if found and found[-1].begin == each.begin.replace(minute=0):
            last = found.pop()
            sums = (last.people + each.people, last.clicks + each.clicks, last.suspects + each.suspects, last.bots + each.bots)
            found.append(Interval(last.begin, *sums))
        else:
            found.append(Interval(each.begin.replace(minute=0), each.people, each.clicks, each.suspects, each.bots))
    return found


def _busiest(rows: Sequence[Sequence[int]]) -> tuple[int, int] | None:
    """The weekday and the hour with the most clicks."""
    most = max((count, day, hour) for day, row in enumerate(rows) for hour, count in enumerate(row))
    return (most[1], most[2]) if most[0] else None
