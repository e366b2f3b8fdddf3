"""One tracked link: its clicks over time, where and with what, and the newest of them."""

from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.charts.ranks import map_of, ranks
from console.charts.series import UNITS, intervals, unit_of
from console.filters import DEVICES, NAMES, VERDICTS, chips, given_filters
from console.page import Page
from console.pages import Pages

pages = Pages("links")

FEED = 12


@pages.get("/links/{link_id}", reads=[*NAMES, "all"])
async def link(page: Page) -> Response:
    """`?country=NO&verdict=all`: the filters are those of the API."""
    link_id, given = page.path("link_id"), given_filters(page)
    given.pop("link_id", None)
    path = f"/links/{link_id}/analytics"
    about = await page.together(
        all_time=page.api.get(path, interval="day", time_zone=page.times.zone_name),
        shared=page.maybe(page.api.get(f"/shared-links/{link_id}")),
    )
    numbers, problem = about["all_time"], None
    begin, end = _span(numbers, given, page)
    unit = unit_of(begin, end)
    if given or unit != "day":
        try:
            numbers = await page.api.get(path, interval=unit, time_zone=page.times.zone_name, **given)
        except ApiProblem as refused:
            if refused.status not in (404, 422, 429):
                raise
            problem, unit = refused, "day"
    clicks = await page.maybe(page.api.get("/clicks", **{"verdict": "all", **given}, link_id=link_id, limit=FEED), 404, 422, 429)
    bars, length = intervals(numbers["series"], unit, begin, end, page.times)
    return page.render(
        "links/link.html",
        problem.status if problem else 200,
        about=about["all_time"],
        shared=about["shared"],
        numbers=numbers,
        problem=problem,
        bars=bars,
        length=length,
        unit=UNITS[unit],
        ranks=ranks(numbers, page),
        map=map_of(numbers),
        feed=clicks and clicks["items"],
        filters=chips(given, {}),
        given=given,
        verdicts=VERDICTS,
        devices=DEVICES,
    )


def _span(numbers: dict[str, Any], given: dict[str, str], page: Page) -> tuple[datetime, datetime]:
    """From the first click until now, unless a time is given that can be read."""
    first = page.times.local(numbers["series"][0]["at"]) if numbers["series"] else page.times.now - timedelta(days=7)
    begin = page.times.moment(given.get("since")) or first
    end = page.times.moment(given.get("until")) or page.times.now
    return min(begin, end), max(begin, end)
