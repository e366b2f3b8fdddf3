"""The list of contacts: search, filter by tag, choose some and tag them."""

import asyncio
from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.contacts.country import country_of
from console.page import Page
from console.pages import Pages
from console.refused import Refused
from models.organizations.api_key import Role

pages = Pages("contacts")

READS = ("q", "tag*", "cursor")
MOST_CHOSEN = 100
"""More than the list shows at once."""


@pages.get("/contacts", reads=READS)
async def contacts(page: Page) -> Response:
    """`?q=` searches, `?tag=` (several times) narrows."""
    return await _list(page)


@pages.post("/contacts/tag", role=Role.SENDER, reads=READS, repeats=["contact"])
async def tag_chosen(page: Page) -> Response:
    """Adds a tag to those that were chosen in the list. Each is changed by itself, so one that is gone stops nobody else."""
    chosen, tag = page.fields("contact"), page.field("tag").strip()
    if not chosen:
        return page.go_to("/contacts", "Nobody was chosen, so nobody was tagged.")
    if len(chosen) > MOST_CHOSEN:
        raise Refused(422, "These are too many people", f"At most {MOST_CHOSEN} can be tagged at once. Nobody was tagged.")
    changes = (page.api.patch(f"/contacts/{each}", {"tags_add": [tag]}) for each in chosen)
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, ApiProblem)]
    unforeseen = [each for each in outcomes if isinstance(each, BaseException) and not isinstance(each, ApiProblem)]
    if unforeseen:
        raise unforeseen[0]
    if len(refused) == len(chosen):
        return await _list(page, refused[0], chosen=chosen, tag=tag)
    left_out = f" {len(refused)} could not be tagged: {refused[0].detail}" if refused else ""
    done = len(chosen) - len(refused)
    people = "1 person has" if done == 1 else f"{done} people have"
    return page.go_to("/contacts", f"{people} the tag {tag} now.{left_out}", tag=tag)


async def _list(page: Page, problem: ApiProblem | None = None, **typed: Any) -> Response:
    wanted = {"q": page.query("q")[:255], "tag": page.queries("tag"), "default_country": country_of(page.times.zone_name)}
    found: dict[str, Any] = {"items": [], "next_cursor": None}
    refused = None
    try:
        found = await page.api.get("/contacts", **wanted, standing="true", cursor=page.query("cursor"))
    except ApiProblem as fault:
        if fault.status != 422:
            raise
        refused = fault
    status = (problem or refused).status if problem or refused else 200  # type: ignore[union-attr] # one of them is set
    filters = bool(wanted["q"] or wanted["tag"])
    return page.render(
        "contacts/list.html",
        status,
        found=found,
        tags=wanted["tag"],
        filtered=filters,
        problem=problem,
        refused=refused,
        chosen=typed.get("chosen", []),
        tag=typed.get("tag", ""),
    )
