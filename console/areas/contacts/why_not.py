"""Why somebody did not get a message: of a campaign, of a sequence, or of one of its steps."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.messages.why import facts, rows
from console.page import Page
from console.pages import Pages

pages = Pages("contacts")

ABOUT = ("campaign_id", "sequence_id", "trigger_id", "step")


@pages.get("/contacts/{contact_id}/why", reads=ABOUT)
async def why_not(page: Page) -> Response:
    """`?campaign_id=`, `?sequence_id=` (with `&step=`) or `?trigger_id=`; without one it asks which message is meant."""
    path = f"/contacts/{page.path('contact_id')}"
    about = {name: page.query(name) for name in ABOUT}
    found = await page.together(
        person=page.api.get(path),
        campaigns=page.api.get("/campaigns", limit=100),
        sequences=page.api.get("/sequences", limit=100),
        answer=_answer(page, path, about),
        steps=_steps(page, about["sequence_id"]),
    )
    answer, problem = found.pop("answer")
    steps = found.pop("steps")
    return page.render(
        "contacts/why_not.html",
        problem.status if problem else 200,
        answer=answer,
        facts=facts(answer["facts"], page) if answer else [],
        proof=rows(answer["rows"]) if answer else [],
        problem=problem,
        steps=steps,
        was_asked="campaign_id" in page.request.query_params,
        about=about,
        **found,
    )


async def _steps(page: Page, sequence_id: str) -> list[str]:
    """The keys of the steps of the sequence that is chosen."""
    sequence = await page.maybe(page.api.get(f"/sequences/{sequence_id}"), 404, 422) if sequence_id else None
    return [each["key"] for each in sequence["steps"]] if sequence else []


async def _answer(page: Page, path: str, about: dict[str, str]) -> tuple[dict[str, Any] | None, ApiProblem | None]:
    if not any(about[name] for name in about if name != "step"):
        return None, None
    try:
        return await page.api.get(f"{path}/why", **about), None
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        return None, problem
