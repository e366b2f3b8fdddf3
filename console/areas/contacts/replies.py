"""What people wrote, and deciding whether a text was a refusal."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("contacts")

DONE = {"refusal": "Opted out, as STOP does.", "no_refusal": "No refusal: what waited goes on."}


@pages.get("/replies", reads=["pending", "meaning", "cursor"])
async def replies(page: Page) -> Response:
    """`?pending=true` has those that somebody has to decide; `?meaning=` one meaning."""
    return await _shown(page)


@pages.post("/replies/{reply_id}/decide", role=Role.SENDER)
async def decide(page: Page) -> Response:
    decision = page.field("decision")
    try:
        await page.api.post(f"/inbound-messages/{page.path('reply_id')}/decide", {"decision": decision})
    except ApiProblem as problem:
        if problem.status not in (409, 422):
            raise
        return await _shown(page, problem)
    return page.go_to("/replies", DONE[decision], pending=page.field("pending"))


async def _shown(page: Page, problem: ApiProblem | None = None) -> Response:
    pending = page.query("pending") or page.field("pending")
    meaning = page.query("meaning")
    found = await page.together(
        found=page.api.get("/inbound-messages", pending=pending, meaning=meaning, limit=30, cursor=page.query("cursor")),
        channels=page.api.get("/channels", limit=500),
    )
    who = {each["contact_id"] for each in found["found"]["items"] if each["contact_id"]}
    people: dict[str, Any] = await page.together(**{each: page.api.get(f"/contacts/{each}") for each in who})
    return page.render(
        "contacts/replies.html",
        problem.status if problem else 200,
        found=found["found"],
        channels={each["id"]: each for each in found["channels"]["items"]},
        people=people,
        pending=pending,
        meaning=meaning,
        problem=problem,
    )
