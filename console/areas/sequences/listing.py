"""The list of sequences."""

from starlette.responses import Response

from console.page import Page
from console.pages import Pages

pages = Pages("sequences")

STATES = (("", "All"), ("published", "Taking people in"), ("draft", "Drafts"))


@pages.get("/sequences", reads=["state", "name", "cursor"])
async def sequences(page: Page) -> Response:
    """`?name=` is a part of a name, `?state=` one of STATES."""
    state = page.choice("state", dict(STATES))
    name = page.query("name")[:200]
    found = await page.api.get("/sequences", name=name, state=state, cursor=page.query("cursor"))
    return page.render("sequences/list.html", found=found, states=STATES, chosen=state, sought=name)
