"""Why somebody did not get a message: of a campaign, of a sequence, or of one of its steps."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.messages.why import facts, rows
from console.page import Page
from console.pages import Pages

pages = Pages("contacts")


@pages.get("/contacts/{contact_id}/why")
async def why_not(page: Page) -> Response:
    """`?campaign_id=`, `?sequence_id=` (with `&step=`) or `?trigger_id=`; without one it asks which message is meant."""
    path = f"/contacts/{page.path('contact_id')}"
    about = {name: page.query(name) for name in ("campaign_id", "sequence_id", "trigger_id", "step")}
    found = await page.together(
        person=page.api.get(path),
        campaigns=page.api.get("/campaigns", limit=100),
        sequences=page.api.get("/sequences", limit=100),
        answer=_answer(page, path, about),
    )
    answer, problem = found.pop("answer")
    return page.render(
        "contacts/why_not.html",
        problem.status if problem else 200,
        answer=answer,
        facts=facts(answer["facts"], page) if answer else [],
        proof=rows(answer["rows"]) if answer else [],
        problem=problem,
        about=about,
        **found,
    )


async def _answer(page: Page, path: str, about: dict[str, str]) -> tuple[dict[str, Any] | None, ApiProblem | None]:
    if not any(about.values()):
        return None, None
    try:
        return await page.api.get(f"{path}/why", **about), None
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        return None, problem
