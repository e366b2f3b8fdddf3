"""What a contact has said about getting messages, and writing down an answer."""

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("contacts")

FIELDS = ("state", "medium", "message_kind", "reason")


@pages.get("/contacts/{contact_id}/consent", reads=["cursor"])
async def consent(page: Page) -> Response:
    return await _shown(page)


@pages.post("/contacts/{contact_id}/consent", role=Role.SENDER)
async def record(page: Page) -> Response:
    body = {name: page.field(name).strip() or None for name in FIELDS}
    try:
        await page.api.post(f"/contacts/{page.path('contact_id')}/consent", body, once=page.field("once"))
    except ApiProblem as problem:
        if problem.status not in (409, 422):
            raise
        return await _shown(page, problem)
    return page.go_to(f"/contacts/{page.path('contact_id')}", "Written down. It counts from now on.")


async def _shown(page: Page, problem: ApiProblem | None = None) -> Response:
    path = f"/contacts/{page.path('contact_id')}"
    found = await page.together(person=page.api.get(path), answers=page.api.get(f"{path}/consent", cursor=page.query("cursor")))
    typed = {name: page.field(name) for name in FIELDS}
    return page.render(
        "contacts/consent.html",
        problem.status if problem else 200,
        problem=problem,
        faults=problem.faults() if problem else {},
        typed=typed,
        **found,
    )
