"""One channel at work: what waits for it and what failed, its test and its check, and pausing it."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("settings")

HERE = "/settings/channels/{channel_id}"


@pages.get(HERE)
async def channel(page: Page) -> Response:
    return await _shown(page)


@pages.post(f"{HERE}/test", role=Role.OWNER)
async def test(page: Page) -> Response:
    """Shows each step up to the first that failed, on the page that answers the form."""
    try:
        tested = await page.api.post(
            f"/channels/{page.path('channel_id')}/test", {"to_address": page.field("to_address").strip()}
        )
    except ApiProblem as problem:
        return await _refused(page, problem)
    return await _shown(page, tested=tested)


@pages.post(f"{HERE}/check", role=Role.OWNER)
async def check(page: Page) -> Response:
    try:
        checked = await page.api.post(f"/channels/{page.path('channel_id')}/check")
    except ApiProblem as problem:
        return await _refused(page, problem)
    return await _shown(page, checked=checked)


@pages.post(f"{HERE}/pause", role=Role.OWNER)
async def pause(page: Page) -> Response:
    reason = page.field("reason").strip()
    return await _act(page, "pause", {"reason": reason or None}, "Paused. What would be sent by it waits.")


@pages.post(f"{HERE}/resume", role=Role.OWNER)
async def resume(page: Page) -> Response:
    return await _act(page, "resume", None, "Resumed. What has waited goes on.")


@pages.post(f"{HERE}/archive", role=Role.OWNER)
async def archive(page: Page) -> Response:
    return await _act(page, "archive", None, "Archived. Nothing is sent by it any more.")


@pages.get(f"{HERE}/inbox", reads=["to", "cursor"])
async def inbox(page: Page) -> Response:
    """What the phones and mailboxes of a simulator received; `?to=` shows one of them."""
    path = f"/channels/{page.path('channel_id')}"
    found = await page.together(
        channel=page.api.get(path),
        received=page.api.get(f"{path}/inbox", to=page.query("to"), limit=20, cursor=page.query("cursor")),
    )
    return page.render("settings/inbox.html", **found)


async def _act(page: Page, act: str, body: Any, done: str) -> Response:
    channel_id = page.path("channel_id")
    try:
        await page.api.post(f"/channels/{channel_id}/{act}", body)
    except ApiProblem as problem:
        return await _refused(page, problem)
    return page.go_to(f"/settings/channels/{channel_id}", done)


async def _refused(page: Page, problem: ApiProblem) -> Response:
    if problem.status not in (409, 422, 429):
        raise problem
    return await _shown(page, problem)


async def _shown(page: Page, problem: ApiProblem | None = None, **found: Any) -> Response:
    return page.render(
        "settings/channel.html",
        problem.status if problem else 200,
        channel=await page.api.get(f"/channels/{page.path('channel_id')}"),
        problem=problem,
        faults=problem.faults() if problem else {},
        to_address=page.field("to_address"),
        tested=found.get("tested"),
        checked=found.get("checked"),
    )
