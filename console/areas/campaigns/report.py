"""The report of a campaign: from recipients to follow-ups, clicks over time, where, with what, and who."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from api.contacts.click_sentences import reason_in_words
from console.api_calls import ApiProblem
from console.areas.campaigns.of_campaign import (
    LIVE,
    campaign_path,
    link_names,
    read_campaign,
    render,
    to_its_editor,
)
from console.charts.ranks import map_of, ranks
from console.charts.series import UNITS, intervals, unit_of
from console.filters import DEVICES, NAMES, VERDICTS, chips, given_filters
from console.page import Page
from console.pages import Pages
from console.words.times import Times
from console.words.triggers import trigger_words

pages = Pages("campaigns")

FEED, CONSIDERED = 12, 100
"""The clicks that are shown, and those whose reasons are counted."""


@pages.get("/campaigns/{campaign_id}", reads=[*NAMES, "all"])
async def report(page: Page) -> Response:
    """`?country=NO&verdict=all`: the filters are those of the API."""
    campaign = await read_campaign(page)
    if elsewhere := to_its_editor(page, campaign):
        return elsewhere
    given = given_filters(page)
    begin, end = _span(campaign, given, page.times)
    unit = unit_of(begin, end)
    names = link_names(campaign)
    shown: dict[str, Any] = {
        "filters": chips(given, names),
        "given": given,
        "links": list(names.items()),
        "verdicts": VERDICTS,
        "devices": DEVICES,
    }
    try:
        numbers, clicks = await _asked(page, unit, given)
    except ApiProblem as problem:
        if problem.status not in (404, 422, 429):
            raise
        return render(page, "report_refused.html", campaign, "report", problem.status, problem=problem, **shown)
    bars, length = intervals(numbers["series"], unit, begin, end, page.times)
    return render(
        page,
        "report.html",
        campaign,
        "report",
        numbers=numbers,
        funnel=_funnel(numbers),
        bars=bars,
        length=length,
        unit=UNITS[unit],
        ranks=ranks(numbers, page),
        map=map_of(numbers),
        to_first_click=_first_click_words(numbers["time_to_first_click"]),
        feed=clicks and clicks["items"][:FEED],
        reasons=_reasons(clicks["items"]) if clicks else [],
        considered=len(clicks["items"]) if clicks else 0,
        waking={each["link"] for each in campaign["triggers"]},
        sentences=[trigger_words(each) for each in numbers["triggers"]],
        **shown,
    )


def _span(campaign: Mapping[str, Any], given: Mapping[str, str], times: Times) -> tuple[datetime, datetime]:
    """From when until when the chart reaches, as far as it is known before the report is read."""
    launched = times.local(campaign["launched_at"])
    over = None if campaign["state"] in LIVE else campaign["tracking_until"]
    end = times.moment(given.get("until")) or (min(times.local(over), times.now) if over else times.now)
    begin = times.moment(given.get("since")) or launched
    return min(begin, end), max(begin, end)


async def _asked(page: Page, unit: str, given: Mapping[str, str]) -> tuple[Any, Any]:
    """The report and the newest clicks. What is read from rows is asked one after the other, because an organization has one
    turn for it."""
    if given.keys() <= {"verdict"}:
        found = await page.together(numbers=_numbers(page, unit, given), clicks=_newest(page, given))
        return found["numbers"], found["clicks"]
    return await _numbers(page, unit, given), await _newest(page, given)


async def _numbers(page: Page, unit: str, given: Mapping[str, str]) -> Any:
    return await page.api.get(campaign_path(page, "/analytics"), interval=unit, time_zone=page.times.zone_name, **given)


async def _newest(page: Page, given: Mapping[str, str]) -> Any:
    """With clicks by machines, unless one verdict is asked for; None when there are too many to look through."""
    asked = {"verdict": "all", **given, "campaign_id": page.path("campaign_id"), "limit": str(CONSIDERED)}
    return await page.maybe(page.api.get("/clicks", **asked), 404, 422, 429)


@dataclass(frozen=True)
class Stage:
    """One column of the funnel. `level` is its part of the recipients, and `count` None when nobody knows."""

    name: str
    label: str
    count: int | None
    rate: float | None
    of: str
    level: float
    missing: int
    why: str
    path: str
    query: dict[str, str]
    is_wake: bool = False


STAGES: tuple[tuple[str, str, str, str, dict[str, str]], ...] = (
    ("recipients", "Recipients", "not sent", "/recipients", {}),
    ("sent", "Sent", "not reported as delivered", "/recipients", {"state": "accepted"}),
    ("delivered", "Delivered", "sent and not clicked", "/recipients", {"state": "accepted"}),
    ("clicked", "Clicked", "clicked and were not written to or enrolled", "/recipients", {"clicked": "true"}),
    ("followed_up", "Followed up", "", "/follow-ups", {}),
)


def _funnel(numbers: Mapping[str, Any]) -> list[Stage]:
    funnel = numbers["funnel"]
    counts = {name: funnel[name]["count"] for name, *_ in STAGES}
    known = {**counts, "delivered": counts["sent"] if counts["delivered"] is None else counts["delivered"]}
    missing = {
        "recipients": counts["recipients"] - counts["sent"],
        "sent": funnel["unreported"] if counts["delivered"] is None else counts["sent"] - counts["delivered"],
        "delivered": counts["sent"] - counts["clicked"],
        "clicked": max(counts["clicked"] - counts["followed_up"], 0),
        "followed_up": 0,
    }
    whole = counts["recipients"] or 1
    return [
        Stage(
            name,
            label,
            counts[name],
            funnel[name]["rate"],
            funnel[name]["of"] or "",
            known[name] / whole,
            missing[name],
            why,
            path,
            query,
            name in ("clicked", "followed_up"),
        )
        for name, label, why, path, query in STAGES
    ]


def _reasons(clicks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The verdicts of these clicks and why, those with the most first."""
    counts: dict[tuple[str, str], int] = {}
    for each in clicks:
        counts[each["verdict"], each["reason"]] = counts.get((each["verdict"], each["reason"]), 0) + 1
    most = sorted(counts.items(), key=lambda each: -each[1])
    return [
        {"verdict": verdict, "reason": reason, "words": reason_in_words(reason), "clicks": number}
        for (verdict, reason), number in most
    ]


def _first_click_words(times_to: Mapping[str, Any]) -> tuple[str, str]:
    """The figure and what is below it, from delays such as `5-15m`."""
    median = times_to["median"]
    if median is None:
        return "–", "nobody has clicked yet"
    delays = {each["delay"]: each for each in times_to["delays"]}
    seconds = delays[median]["seconds"]
    return (f"< {_short(seconds)}" if seconds else "> 7 d"), "half had clicked by then"


def _short(seconds: int) -> str:
    length = timedelta(seconds=seconds)
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1))):
        if length >= size:
            return f"{length / size:g} {unit}"
    return f"{seconds} s"
