"""What happened to a campaign and who did it, and its numbers counted once more from their rows."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.campaigns.of_campaign import campaign_path, read_campaign, render, to_its_editor
from console.page import Page
from console.pages import Pages

pages = Pages("campaigns")


@pages.get("/campaigns/{campaign_id}/history", reads=["cursor"])
async def history(page: Page) -> Response:
    """The audit log is the owner's; everybody sees the times of the campaign itself."""
    campaign = await read_campaign(page)
    if elsewhere := to_its_editor(page, campaign):
        return elsewhere
    changes = None
    if page.may("owner"):
        changes = await page.api.get("/audit-log", target_id=campaign["id"], cursor=page.query("cursor"))
    return render(page, "history.html", campaign, "history", changes=changes)


@pages.get("/campaigns/{campaign_id}/proof", reads=["count"])
async def proof(page: Page) -> Response:
    """Every figure of the report, counted once more. That reads all its rows, so the page is there at once, and `?count=1` shows
    it with what was counted."""
    campaign = await read_campaign(page)
    if elsewhere := to_its_editor(page, campaign):
        return elsewhere
    found, problem = await _proof(page) if page.query("count") == "1" else (None, None)
    return render(page, "proof.html", campaign, "report", problem.status if problem else 200, proof=found, problem=problem)


async def _proof(page: Page) -> tuple[dict[str, Any] | None, ApiProblem | None]:
    """Returns what was counted, or why it cannot be counted now."""
    try:
        return await page.api.get(campaign_path(page, "/analytics/proof")), None
    except ApiProblem as problem:
        if problem.status not in (422, 429):
            raise
        return None, problem
