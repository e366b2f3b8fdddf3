"""What the pages of one launched campaign have in common."""

from typing import Any

from starlette.responses import Response

from console.page import Page

TABS = (
    ("report", "Report", ""),
    ("recipients", "Recipients", "/recipients"),
    ("message", "Message", "/message"),
    ("follow_ups", "Follow-ups", "/follow-ups"),
    ("history", "History", "/history"),
)
LIVE = ("sending", "tracking")
"""The states in which a campaign still does something by itself."""


def campaign_path(page: Page, more: str = "") -> str:
    """The campaign's address in the API, and what is below it."""
    return f"/campaigns/{page.path('campaign_id')}{more}"


async def read_campaign(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = await page.api.get(campaign_path(page))
    return found


def to_its_editor(page: Page, campaign: dict[str, Any]) -> Response | None:
    """A draft has nothing to report: its pages lead to its editor."""
    return page.go_to(campaign_path(page, "/edit")) if campaign["state"] == "draft" else None


def tabs(campaign: dict[str, Any]) -> list[dict[str, Any]]:
    """The tabs with what they count: messages, and how often triggers fired."""
    counts = {
        "recipients": sum(campaign["messages"].values()),
        "follow_ups": sum(each["fired"] for each in campaign["trigger_counts"]),
    }
    path = f"/campaigns/{campaign['id']}"
    return [{"name": name, "title": title, "path": path + more, "count": counts.get(name)} for name, title, more in TABS]


def render(page: Page, template: str, campaign: dict[str, Any], tab: str, status: int = 200, **context: Any) -> Response:
    return page.render(
        f"campaigns/{template}",
        status,
        campaign=campaign,
        tabs=tabs(campaign),
        tab=tab,
        is_live=campaign["state"] in LIVE,
        **context,
    )


def link_names(campaign: dict[str, Any]) -> dict[str, str]:
    """Names by id; a link without a name is called by its address."""
    return {each["id"]: each["name"] or each["url"] for each in campaign["links"]}
