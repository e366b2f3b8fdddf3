"""Notification targets: the chats, mailboxes and webhooks of teams."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("settings")

PATH = "/notification-targets"
HERE = "/settings/notification-targets"
FIELDS = ("name", "address", "text")


@pages.get(HERE, reads=["cursor"])
async def targets(page: Page) -> Response:
    return page.render("settings/targets.html", found=await page.api.get(PATH, cursor=page.query("cursor")))


@pages.get(f"{HERE}/new", role=Role.OWNER)
async def new(page: Page) -> Response:
    return await _form(page, None)


@pages.post(f"{HERE}/new", role=Role.OWNER)
async def create(page: Page) -> Response:
    typed = {name: page.field(name).strip() for name in FIELDS}
    try:
        made = await page.api.post(PATH, {**typed, "text": typed["text"] or None}, once=page.field("once"))
    except ApiProblem as problem:
        return await _refused(page, None, problem)
    return page.go_to(f"{HERE}/{made['id']}", "Saved. Nothing was sent yet: test it.")


@pages.get(f"{HERE}/{{target_id}}")
async def target(page: Page) -> Response:
    return await _form(page, await _get(page))


@pages.post(f"{HERE}/{{target_id}}", role=Role.OWNER)
async def change(page: Page) -> Response:
    """An address that is left empty stays as it is."""
    shown = await _get(page)
    body: dict[str, Any] = {"name": page.field("name").strip(), "text": page.field("text").strip() or None}
    if address := page.field("address").strip():
        body["address"] = address
    try:
        await page.api.patch(f"{PATH}/{shown['id']}", body)
    except ApiProblem as problem:
        return await _refused(page, shown, problem)
    return page.go_to(f"{HERE}/{shown['id']}", "Saved.")


@pages.post(f"{HERE}/{{target_id}}/test", role=Role.OWNER)
async def test(page: Page) -> Response:
    shown = await _get(page)
    try:
        tested = await page.api.post(f"{PATH}/{shown['id']}/test")
    except ApiProblem as problem:
        return await _refused(page, shown, problem)
    if tested["sent"]:
        return page.go_to(f"{HERE}/{shown['id']}", "The test was sent. Look there whether it has arrived.")
    return await _form(page, shown, failure=tested["error"])


@pages.post(f"{HERE}/{{target_id}}/delete", role=Role.OWNER)
async def delete(page: Page) -> Response:
    await page.api.delete(f"{PATH}/{page.path('target_id')}")
    return page.go_to(HERE, "Deleted, and its address with it.")


async def _get(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = await page.api.get(f"{PATH}/{page.path('target_id')}")
    return found


async def _refused(page: Page, shown: dict[str, Any] | None, problem: ApiProblem) -> Response:
    if problem.status not in (409, 422, 429):
        raise problem
    return await _form(page, shown, problem)


async def _form(page: Page, shown: dict[str, Any] | None, problem: ApiProblem | None = None, failure: str = "") -> Response:
    before = {"name": shown["name"], "text": shown["text"] or ""} if shown else {"name": "", "text": ""}
    typed = {name: page.field(name) for name in FIELDS if name in page.form}
    told = await page.api.get(f"{PATH}/{shown['id']}/notifications", limit=10) if shown else None
    return page.render(
        "settings/target.html",
        problem.status if problem else 200,
        target=shown,
        told=told,
        typed={"address": "", **before, **typed},
        problem=problem,
        faults=problem.faults() if problem else {},
        failure=failure,
    )
