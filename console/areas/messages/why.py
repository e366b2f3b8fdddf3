"""Why a message was sent or not: the chain of answers, each with the facts that it looked at and the rows that prove it."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from console.addresses import url
from console.page import Page
from console.pages import Pages

pages = Pages("contacts")

IDS = {
    "message_id": "/messages/{}/why",
    "campaign_id": "/campaigns/{}",
    "sequence_id": "/sequences/{}",
    "segment_id": "/segments/{}",
    "enrollment_id": "/enrollments/{}",
}
"""Facts that lead somewhere."""
TABLES = {"contact": "/contacts/{}", "campaign": "/campaigns/{}", "sequence": "/sequences/{}", "segment": "/segments/{}"}
MOMENTS = ("given_at", "lifted_at", "since", "clicked_at", "due_at", "refused_at", "late_after", "reported_at")


@pages.get("/messages/{message_id}/why")
async def why(page: Page) -> Response:
    """One page for "why did they get it?" and "why did they not?"."""
    path = f"/messages/{page.path('message_id')}"
    found = await page.together(answer=page.api.get(f"{path}/why"), message=page.api.get(path))
    message = found["message"]
    contact = await page.api.get(f"/contacts/{message['contact_id']}")
    chain = [{**each, "shown": facts(each["facts"], page), "proof": rows(each["rows"])} for each in found["answer"]["chain"]]
    return page.render("messages/why.html", message=message, contact=contact, answer=found["answer"], chain=chain)


def facts(given: Mapping[str, Any], page: Page) -> list[dict[str, Any]]:
    """The facts as name, value and where they lead."""
    return [
        {
            "name": name.removesuffix("_id").replace("_", " "),
            "value": page.times.at(value) if name in MOMENTS else _said(value),
            "href": url(IDS[name].format(value)) if name in IDS else "",
        }
        for name, value in given.items()
    ]


def rows(given: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**each, "href": url(TABLES[each["table"]].format(each["id"])) if each["table"] in TABLES else ""} for each in given]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(f"{name} {each}" for name, each in value.items()) if isinstance(value, dict) else str(value)
