"""All campaigns with their counters, narrowed by state and name."""

from typing import Any

from starlette.responses import Response

from console.page import Page
from console.pages import Pages

pages = Pages("campaigns")

TABS = (
    ("", "All"),
    ("draft", "Drafts"),
    ("sending", "Sending"),
    ("tracking", "Open for clicks"),
    ("completed", "Completed"),
    ("stopped", "Stopped"),
    ("failed", "Failed"),
)
IN_A_PAGE = 25
DAYS = 14
"""Of the small chart of clicks."""


@pages.get("/campaigns", reads=["state", "q", "cursor"])
async def listing(page: Page) -> Response:
    """`?state=draft`, `?q=spring` is a part of the name, and `?cursor=…` goes on."""
    state = page.choice("state", dict(TABS))
    name, cursor = page.query("q")[:200], page.query("cursor")
    found = await page.api.get(
        "/analytics/campaigns/list",
        state=state,
        name=name,
        cursor=cursor,
        limit=IN_A_PAGE,
        days=DAYS,
        time_zone=page.times.zone_name,
    )
    counts: dict[str, int] = found["states"]
    tabs = [(value, words, sum(counts.values()) if not value else counts.get(value, 0)) for value, words in TABS]
    rows = [{**each, "progress": _progress(each)} for each in found["items"]]
    empty = not counts and not name
    return page.render("campaigns/list.html", found=found, rows=rows, tabs=tabs, chosen=state, q=name, days=DAYS, is_empty=empty)


def _progress(campaign: dict[str, Any]) -> float | None:
    """Returns how much of a campaign that is being sent is done, from 0 to 1; None for others."""
    if campaign["state"] != "sending" or not campaign["recipients"]:
        return None
    sent: int = campaign["funnel"]["sent"]["count"]
    people: int = campaign["recipients"]
    return min(1.0, sent / people)
