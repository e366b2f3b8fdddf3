"""What happened to a campaign and who did it, and its numbers counted once more from their rows."""

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.campaigns.of_campaign import campaign_path, read_campaign, render, to_its_editor
from console.page import Page
from console.pages import Pages

pages = Pages("campaigns")


@pages.get("/campaigns/{campaign_id}/history")
async def history(page: Page) -> Response:
    """The audit log is the owner's; everybody sees the times of the campaign itself."""
    campaign = await read_campaign(page)
    if elsewhere := to_its_editor(page, campaign):
        return elsewhere
    changes = None
    if page.may("owner"):
        changes = await page.api.get("/audit-log", target_id=campaign["id"], cursor=page.query("cursor"))
    return render(page, "history.html", campaign, "history", changes=changes)


@pages.get("/campaigns/{campaign_id}/proof")
async def proof(page: Page) -> Response:
    """Every figure of the report, counted once more."""
    campaign = await read_campaign(page)
    if elsewhere := to_its_editor(page, campaign):
        return elsewhere
    try:
        found = await page.api.get(campaign_path(page, "/analytics/proof"))
    except ApiProblem as problem:
        if problem.status not in (422, 429):
            raise
        return render(page, "proof.html", campaign, "report", problem.status, proof=None, problem=problem)
    return render(page, "proof.html", campaign, "report", proof=found, problem=None)
