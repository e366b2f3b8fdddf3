"""Enrolling those who were chosen in the list of contacts: first the sequence, whose page then says what happens."""

from starlette.responses import Response

from console.page import Page
from console.pages import Pages
from console.refused import Refused
from models.organizations.api_key import Role

pages = Pages("contacts")

MOST_CHOSEN = 50
"""As many as the list shows at once, and as a sequence takes by name."""


@pages.get("/contacts/enroll", role=Role.SENDER, reads=["contact*"])
async def choose(page: Page) -> Response:
    """`?contact=` names each of them."""
    return await _shown(page, page.queries("contact"))


@pages.post("/contacts/enroll", role=Role.SENDER, repeats=["contact"])
async def chosen(page: Page) -> Response:
    """From the list it leads to the choice of a sequence, and from there to the sequence's own page. Nothing happens here."""
    people, sequence_id = page.fields("contact"), page.field("sequence_id")
    if len(people) > MOST_CHOSEN:
        raise Refused(422, "These are too many people", f"At most {MOST_CHOSEN} can be chosen at once. Nobody was enrolled.")
    if not people:
        return page.go_to("/contacts", "Nobody was chosen, so nobody is enrolled.")
    if not sequence_id:
        return page.go_to("/contacts/enroll", contact=people)
    sequence = await page.maybe(page.api.get(f"/sequences/{sequence_id}"), 404, 422)
    if sequence is None:
        return await _shown(page, people, 422)
    return page.go_to(f"/sequences/{sequence['id']}/enroll", contact=people)


async def _shown(page: Page, people: list[str], status: int = 200) -> Response:
    sequences = await page.api.get("/sequences", state="published", limit=200)
    return page.render(
        "contacts/enroll_chosen.html",
        status,
        people=people[:MOST_CHOSEN],
        published=[(each["id"], each["name"][:80]) for each in sequences["items"]],
        faults={"sequence_id": "Choose a sequence that is there."} if status == 422 else {},
    )
