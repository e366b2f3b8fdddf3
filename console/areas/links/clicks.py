"""All clicks, of people and machines, and another verdict for one of them."""

from typing import Any

from starlette.responses import Response

from api.contacts.click_sentences import reason_in_words
from console.api_calls import ApiProblem
from console.filters import DEVICES, NAMES, VERDICTS, chips, given_filters
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("links")

OWNERS = ("campaign_id", "sequence_id", "enrollment_id", "contact_id")
"""What clicks can be listed of, besides the filters that reports have too."""
BY = {"human": "a person", "suspect": "a suspect", "bot": "a bot"}


@pages.get("/clicks", reads=[*NAMES, *OWNERS, "correct", "cursor"])
async def clicks(page: Page) -> Response:
    """`?campaign_id=…&country=NO&verdict=all`: the filters are those of the API."""
    given = given_filters(page, *OWNERS)
    found: dict[str, Any] = {"items": [], "next_cursor": None}
    problem = None
    try:
        found = await page.api.get("/clicks", cursor=page.query("cursor"), **given)
    except ApiProblem as refused:
        if refused.status not in (404, 422, 429):
            raise
        problem = refused
    names = {each["link"]["id"]: each["link"]["name"] or each["link"]["url"] for each in found["items"]}
    return page.render(
        "clicks/list.html",
        problem.status if problem else 200,
        found=found,
        given=given,
        owners=_owners(given, found["items"]),
        kept={name: given[name] for name in OWNERS if name in given},
        filters=chips(given, names),
        verdicts=VERDICTS,
        devices=DEVICES,
        problem=problem,
        why=reason_in_words,
    )


@pages.post("/clicks/{click_id}/verdict", role=Role.EDITOR, reads=[*NAMES, *OWNERS])
async def correct(page: Page) -> Response:
    """Every number says so at once; nothing is started or undone. The address has the filters of the list to go back to."""
    verdict = page.field("verdict")
    await page.api.post(f"/clicks/{page.path('click_id')}/verdict", {"verdict": verdict, "note": page.field("note") or None})
    return page.go_to("/clicks", f"This click counts as one by {BY[verdict]} from now on.", **given_filters(page, *OWNERS))


def _owners(given: dict[str, str], items: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Whose clicks these are, called by their names where a click on the page says them."""
    first = items[0] if items else {}
    contact = first.get("contact") or {}
    person = " ".join(filter(None, (contact.get("first_name"), contact.get("last_name"))))
    names = {"campaign_id": first.get("campaign"), "sequence_id": first.get("sequence"), "contact_id": person or None}
    labels = {"campaign_id": "Campaign", "sequence_id": "Sequence", "enrollment_id": "Enrollment", "contact_id": "Contact"}
    return [{"name": each, "label": labels[each], "value": names.get(each) or given[each]} for each in OWNERS if each in given]
