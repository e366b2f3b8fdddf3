"""Campaigns side by side."""

from typing import Any

from starlette.responses import Response

from console.page import Page
from console.pages import Pages

pages = Pages("campaigns")

MOST = 20
STAGES = (
    ("recipients", "Recipients"),
    ("sent", "Sent"),
    ("delivered", "Delivered"),
    ("clicked", "Clicked"),
    ("followed_up", "Followed up"),
    ("replied", "Replied"),
    ("opted_out", "Opted out"),
)


@pages.get("/campaigns/compare", reads=["campaign_id*"])
async def compare(page: Page) -> Response:
    """`?campaign_id=…&campaign_id=…`, 2 to 20 of them."""
    chosen = list(dict.fromkeys(page.queries("campaign_id")))
    if not 2 <= len(chosen) <= MOST:
        return page.render("campaigns/compare_nothing.html", chosen=len(chosen), most=MOST)
    found = await page.api.get("/analytics/campaigns", campaign_id=chosen, time_zone=page.times.zone_name)
    campaigns: list[dict[str, Any]] = found["campaigns"]
    without = {
        each["campaign_id"]: page.address(campaign_id=[id for id in chosen if id != each["campaign_id"]]) for each in campaigns
    }
    best = {name: _best(campaigns, name) for name, _ in STAGES}
    return page.render("campaigns/compare.html", campaigns=campaigns, stages=STAGES, without=without, best=best)


def _best(campaigns: list[dict[str, Any]], stage: str) -> float:
    """Returns the highest rate of the stage, against which the others are drawn."""
    return max((each["funnel"][stage]["rate"] or 0.0 for each in campaigns), default=0.0)
