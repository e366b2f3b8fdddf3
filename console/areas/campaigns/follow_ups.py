"""What the triggers of a campaign did: how often each fired, for whom, and another attempt at what failed."""

from starlette.responses import Response

from console.areas.campaigns.of_campaign import campaign_path, read_campaign, render, to_its_editor
from console.page import Page
from console.pages import Pages
from console.words.triggers import action_words, trigger_words
from models.organizations.api_key import Role

pages = Pages("campaigns")


@pages.get("/campaigns/{campaign_id}/follow-ups", reads=["trigger", "outcome", "cursor"])
async def follow_ups(page: Page) -> Response:
    """`?trigger=hot&outcome=failed` lists the firings of one trigger; the first one's without it."""
    campaign = await read_campaign(page)
    if elsewhere := to_its_editor(page, campaign):
        return elsewhere
    triggers = [trigger_words(each) for each in campaign["trigger_counts"]]
    chosen = page.query("trigger") or (triggers[0]["key"] if triggers else "")
    outcome = page.query("outcome")
    firings = (
        await page.api.get(campaign_path(page, f"/triggers/{chosen}/firings"), outcome=outcome, cursor=page.query("cursor"))
        if chosen
        else None
    )
    return render(
        page,
        "follow_ups.html",
        campaign,
        "follow_ups",
        triggers=triggers,
        chosen=chosen,
        outcome=outcome,
        firings=firings,
        action_words=action_words,
    )


@pages.post("/campaigns/{campaign_id}/follow-ups/{key}/{firing_id}/retry", role=Role.SENDER)
async def retry(page: Page) -> Response:
    """What failed is done once more; what was done is not."""
    key, firing = page.path("key"), page.path("firing_id")
    await page.api.post(campaign_path(page, f"/triggers/{key}/firings/{firing}/retry"), once=page.field("once"))
    return page.go_to(campaign_path(page, "/follow-ups"), "What failed is tried once more.", trigger=key)
