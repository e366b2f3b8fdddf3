"""What the pages of one launched campaign have in common."""

from typing import Any

from starlette.responses import Response

from console.page import Page
from console.words.times import iso_duration

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


def trigger_sentence(trigger: dict[str, Any]) -> str:
    """What a trigger waits for: `A click on boots`, `No click on any link within 2 d`."""
    link = trigger["link"] or "any link"
    within = f" within {iso_duration(trigger['within'])}" if trigger["within"] else ""
    often = f", up to {trigger['times']} times for each person" if trigger["times"] > 1 else ""
    return f"{'No click' if trigger['when'] == 'not_clicked' else 'A click'} on {link}{within}{often}"


ACTIONS = {
    "send": "sends a message",
    "enroll": "enrolls the person in a sequence",
    "leave": "takes the person out of the sequence",
    "go_to": "moves the person to another step",
    "tag": "adds a tag",
    "untag": "removes a tag",
    "set_field": "sets a field",
    "notify": "notifies a target",
}


def action_words(kind: str) -> str:
    """What an action does, as the rest of a sentence; one that is not listed is called by its kind."""
    return ACTIONS.get(kind, kind.replace("_", " "))
