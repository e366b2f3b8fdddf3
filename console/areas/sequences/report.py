"""The report of a sequence: who clicked, when, where, with what, and what became of the people of each version."""

from datetime import datetime
from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.sequences.one import Shown, one, taken_out, triggers_of
from console.charts.ranks import map_of, ranks
from console.charts.series import UNITS, intervals, unit_of
from console.filters import DEVICES, NAMES, VERDICTS, chips, given_filters
from console.page import Page
from console.pages import Pages

pages = Pages("sequences")

FEED = 12


@pages.get("/sequences/{sequence_id}/report", reads=[*NAMES, "all"])
async def report(page: Page) -> Response:
    """`?country=NO&verdict=all`: the filters are those of the API."""
    shown, given = await one(page), given_filters(page)
    names = {each["id"]: each["name"] or each["url"] for each in shown.sequence["links"]}
    begin, end = _span(shown, given, page)
    unit = unit_of(begin, end)
    path = f"/sequences/{shown.sequence['id']}"
    context: dict[str, Any] = {
        "shown": shown,
        "tab": "report",
        "filters": chips(given, names),
        "given": given,
        "links": list(names.items()),
        "verdicts": VERDICTS,
        "devices": DEVICES,
    }
    try:
        found = await page.together(
            numbers=page.api.get(f"{path}/analytics", interval=unit, time_zone=page.times.zone_name, **given),
            clicks=page.maybe(_newest_clicks(page, shown, given), 422, 429),
            triggers=triggers_of(page),
        )
    except ApiProblem as problem:
        if problem.status not in (404, 422, 429):
            raise
        return page.render("sequences/report.html", problem.status, problem=problem, numbers=None, **context)
    numbers, clicks = found["numbers"], found["clicks"]
    bars, length = intervals(numbers["series"], unit, begin, end, page.times)
    return page.render(
        "sequences/report.html",
        problem=None,
        numbers=numbers,
        triggers=found["triggers"],
        taken_out=taken_out(found["triggers"]),
        bars=bars,
        length=length,
        unit=UNITS[unit],
        ranks=ranks(numbers, page),
        map=map_of(numbers),
        feed=clicks and clicks["items"],
        is_live=not given.get("until"),
        **context,
    )


async def _newest_clicks(page: Page, shown: Shown, given: dict[str, str]) -> Any:
    """With those of machines, unless one verdict is asked for."""
    return await page.api.get("/clicks", **{"verdict": "all", **given}, sequence_id=shown.sequence["id"], limit=FEED)


def _span(shown: Shown, given: dict[str, str], page: Page) -> tuple[datetime, datetime]:
    """From the first publication on, or as the filters say."""
    versions = shown.numbers["versions"]
    first = page.times.local(versions[-1]["published_at"] if versions else shown.sequence["created_at"])
    begin, end = page.times.moment(given.get("since")) or first, page.times.moment(given.get("until")) or page.times.now
    return min(begin, end), max(begin, end)
