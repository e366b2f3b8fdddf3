"""The overview: clicks over time, what is being sent, and what needs attention."""

from datetime import timedelta

from starlette.responses import Response

from console.page import Page
from console.pages import Pages

pages = Pages("overview")

PERIODS = {"24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}


@pages.get("/")
async def overview(page: Page) -> Response:
    """`?period=24h` (the default), `7d` or `30d`."""
    chosen = page.query("period") if page.query("period") in PERIODS else "24h"
    since = page.times.now - PERIODS[chosen]
    numbers = await page.api.get(
        "/analytics", since=since.isoformat(), interval="hour" if chosen == "24h" else "day", time_zone=page.times.zone_name
    )
    return page.render("overview/overview.html", period=chosen, numbers=numbers)
