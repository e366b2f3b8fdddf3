"""Handing over everything that is known of a person, and erasing it."""

import orjson
from starlette.responses import Response

from console.page import Page
from console.pages import Pages
from console.security import PAGE_HEADERS
from models.organizations.api_key import Role

pages = Pages("contacts")

CONFIRMATION = "erase"


@pages.get("/contacts/{contact_id}/export", role=Role.OWNER)
async def export(page: Page) -> Response:
    contact_id = page.path("contact_id")
    document = await page.api.get(f"/contacts/{contact_id}/export")
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    headers = {**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="contact-{document["contact_id"]}.json"'}
    return Response(text, 200, headers, media_type="application/json")


@pages.post("/contacts/{contact_id}/erase", role=Role.OWNER)
async def erase(page: Page) -> Response:
    """Shows the receipt: what was removed, what is kept, and what is left to do."""
    path = f"/contacts/{page.path('contact_id')}"
    if page.field("confirm").strip().lower() != CONFIRMATION:
        return page.go_to(path, f"Nothing was erased: the word {CONFIRMATION} was not typed.")
    receipt = await page.api.post(f"{path}/erase")
    return page.render("contacts/erased.html", receipt=receipt, path=path)
