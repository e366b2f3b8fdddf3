"""One enrollment: where one person is in a sequence, how they came in, and the way to stop it."""

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("sequences")


@pages.get("/enrollments/{enrollment_id}")
async def enrollment(page: Page) -> Response:
    return await _show(page)


@pages.post("/enrollments/{enrollment_id}/stop", role=Role.SENDER)
async def stop(page: Page) -> Response:
    enrollment_id, reason = page.path("enrollment_id"), page.field("reason").strip()
    try:
        await page.api.post(f"/enrollments/{enrollment_id}/stop", {"reason": reason} if reason else {})
    except ApiProblem as problem:
        if problem.status not in (409, 422):
            raise
        return await _show(page, problem)
    return page.go_to(f"/enrollments/{enrollment_id}", "Stopped: nothing more is sent to this person by it.")


async def _show(page: Page, problem: ApiProblem | None = None) -> Response:
    found = await page.api.get(f"/enrollments/{page.path('enrollment_id')}")
    way = await page.api.get(f"/contacts/{found['contact_id']}/conversation", enrollment_id=found["id"], kind="step", limit=100)
    return page.render(
        "sequences/enrollment.html",
        problem.status if problem else 200,
        enrollment=found,
        way=way["items"],
        problem=problem,
        reason=page.field("reason"),
        is_over=found["state"] not in ("queued", "running"),
    )
