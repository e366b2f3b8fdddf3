"""The message of a campaign as it was sent: its text, its links, and the letter as mail programs show it."""

from typing import Any

from starlette.responses import Response

from console.areas.campaigns.of_campaign import campaign_path, read_campaign, render, to_its_editor
from console.page import Page
from console.pages import Pages
from console.security import LETTER_HEADERS

pages = Pages("campaigns")


@pages.get("/campaigns/{campaign_id}/message", reads=["message_id"])
async def message(page: Page) -> Response:
    """The template, and what one person got: the newest who did, or `?message_id=…`."""
    campaign = await read_campaign(page)
    if elsewhere := to_its_editor(page, campaign):
        return elsewhere
    return render(page, "message.html", campaign, "message", sent=await _sent(page))


@pages.get("/campaigns/{campaign_id}/message/letter", reads=["message_id"])
async def letter(page: Page) -> Response:
    """The HTML part, at an address of its own: its styles work and its scripts do not."""
    sent = await _sent(page)
    body = (sent or {}).get("html") or "<p>This message has no HTML part.</p>"
    return Response(body, headers=LETTER_HEADERS, media_type="text/html")


async def _sent(page: Page) -> Any:
    """Returns None when nobody has got it yet."""
    if wanted := page.query("message_id"):
        return await page.api.get(f"/messages/{wanted}")
    newest = await page.api.get(campaign_path(page, "/messages"), state="accepted", limit=1)
    return await page.api.get(f"/messages/{newest['items'][0]['id']}") if newest["items"] else None
