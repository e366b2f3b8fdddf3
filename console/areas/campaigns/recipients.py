"""The people of a campaign: what became of each message, who clicked and who did not, and these people as an audience."""

from starlette.responses import Response

from console.areas.campaigns.of_campaign import campaign_path, link_names, read_campaign, render, to_its_editor
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("campaigns")

FILTERS = ("state", "reason", "report", "clicked", "link_id", "verdict")
REPORTS = {
    "sent": "sent on",
    "delivered": "delivered",
    "failed": "failed after it was sent",
    "bounced": "bounced",
    "replied": "answered",
    "complained": "complained of",
}


@pages.get("/campaigns/{campaign_id}/recipients", reads=[*FILTERS, "cursor"])
async def recipients(page: Page) -> Response:
    """`?state=skipped&reason=no_phone`, `?clicked=false`, `?link_id=…`, `?report=replied`."""
    campaign = await read_campaign(page)
    if elsewhere := to_its_editor(page, campaign):
        return elsewhere
    given = {name: value for name in FILTERS if (value := page.query(name))}
    people = await page.api.get(campaign_path(page, "/people"), cursor=page.query("cursor"), **given)
    return render(
        page,
        "recipients.html",
        campaign,
        "recipients",
        given=given,
        people=people,
        reasons=sorted({each["reason"] for each in people["items"] if each["reason"]} | {given.get("reason", "")} - {""}),
        reports=REPORTS,
        links=link_names(campaign),
    )


@pages.post("/campaigns/{campaign_id}/segments", role=Role.EDITOR)
async def make_segment(page: Page) -> Response:
    """Those who clicked, or who got the message and did not, as an audience for what comes next."""
    made = await page.api.post(campaign_path(page, "/segments"), {"kind": page.field("kind")}, once=page.field("once"))
    return page.go_to(f"/segments/{made['id']}", f"{made['name']} is a segment now.")
