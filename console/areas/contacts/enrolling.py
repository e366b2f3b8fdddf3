"""Enrolling one contact in a sequence."""

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("contacts")

NOT_ENROLLED = {
    "already_enrolled": "they are in it already",
    "entered_before": "they were in it before, and may not enter it again",
    "too_often": "they have entered it as often as they may in this period",
    "unknown_contact": "the contact was erased",
}


@pages.get("/contacts/{contact_id}/enroll", role=Role.SENDER)
async def choose(page: Page) -> Response:
    return await _shown(page)


@pages.post("/contacts/{contact_id}/enroll", role=Role.SENDER)
async def enroll(page: Page) -> Response:
    contact_id, sequence_id = page.path("contact_id"), page.field("sequence_id")
    try:
        body = {"contact_ids": [contact_id]}
        answer = await page.api.post(f"/sequences/{sequence_id}/enrollments", body, once=page.field("once"))
    except ApiProblem as problem:
        if problem.status not in (404, 409, 422, 429):
            raise
        return await _shown(page, problem)
    result = answer["results"][0]["result"]
    if result != "enrolled":
        return page.go_to(f"/contacts/{contact_id}", f"Not enrolled: {NOT_ENROLLED.get(result, result.replace('_', ' '))}.")
    return page.go_to(f"/contacts/{contact_id}", "Enrolled. The first step begins now.")


async def _shown(page: Page, problem: ApiProblem | None = None) -> Response:
    found = await page.together(
        person=page.api.get(f"/contacts/{page.path('contact_id')}"), sequences=page.api.get("/sequences", limit=200)
    )
    published = [each for each in found["sequences"]["items"] if each["state"] == "published"]
    status = 200 if problem is None else 422 if problem.status == 404 else problem.status
    return page.render(
        "contacts/enroll.html",
        status,
        person=found["person"],
        published=published,
        problem=problem,
        typed=page.field("sequence_id"),
    )
