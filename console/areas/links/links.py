"""Links: shared ones, which are made by hand, and those that stand in messages."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("links")

UTM = ("source", "medium", "campaign", "term", "content")
SHARED_SHOWN = 20


@pages.get("/links", reads=["shared", "cursor"])
async def links(page: Page) -> Response:
    """Shared links stand above those of messages; `?shared=all` shows more of them, page by page."""
    if page.choice("shared", ["all"]):
        shared = await page.api.get("/shared-links", cursor=page.query("cursor"))
        return page.render("links/list.html", shared=shared, tracked=None)
    found = await page.together(
        shared=page.api.get("/shared-links", limit=SHARED_SHOWN),
        tracked=page.api.get("/links", of="messages", cursor=page.query("cursor")),
    )
    return page.render("links/list.html", **found)


@pages.get("/links/new", role=Role.EDITOR)
async def new(page: Page) -> Response:
    return _form(page, None, {})


@pages.post("/links/new", role=Role.EDITOR)
async def create(page: Page) -> Response:
    typed = _typed(page)
    try:
        made = await page.api.post("/shared-links", {"slug": typed["slug"], **_body(typed)}, once=page.field("once"))
    except ApiProblem as problem:
        return _refused(page, None, typed, problem)
    return page.go_to(f"/links/{made['id']}", f"{made['url']} works now.")


@pages.get("/links/{link_id}/edit", role=Role.EDITOR)
async def edit(page: Page) -> Response:
    """Only shared links can be changed: those of messages are in them for good."""
    shared = await page.api.get(_path(page))
    utm = {f"utm_{name}": value for name, value in (shared["utm"] or {}).items()}
    return _form(page, shared, {**shared, **utm, "utm_overwrite": "on" if shared["utm_overwrite"] else ""})


@pages.post("/links/{link_id}/edit", role=Role.EDITOR)
async def change(page: Page) -> Response:
    shared, typed = await page.api.get(_path(page)), _typed(page)
    try:
        await page.api.patch(_path(page), _body(typed))
    except ApiProblem as problem:
        return _refused(page, shared, typed, problem)
    return page.go_to(f"/links/{shared['id']}", "Saved. Clicks follow within seconds.")


@pages.post("/links/{link_id}/switch", role=Role.EDITOR)
async def switch(page: Page) -> Response:
    """Off, it is unknown to whoever clicks it."""
    changed = await page.api.patch(_path(page), {"active": page.field("active") == "on"})
    return page.go_to(f"/links/{changed['id']}", "It works again." if changed["active"] else "It is off.")


@pages.post("/links/{link_id}/delete", role=Role.EDITOR)
async def delete(page: Page) -> Response:
    await page.api.delete(_path(page))
    return page.go_to("/links", "The link is deleted. Its clicks stay on record.")


def _path(page: Page) -> str:
    return f"/shared-links/{page.path('link_id')}"


def _typed(page: Page) -> dict[str, str]:
    names = ("slug", "destination", "name", "utm_overwrite", *(f"utm_{each}" for each in UTM))
    return {name: page.field(name) for name in names}


def _body(typed: dict[str, str]) -> dict[str, Any]:
    utm = {each: value for each in UTM if (value := typed[f"utm_{each}"].strip())}
    return {
        "destination": typed["destination"],
        "name": typed["name"] or None,
        "utm": utm or None,
        "utm_overwrite": typed["utm_overwrite"] == "on",
    }


def _refused(page: Page, shared: dict[str, Any] | None, typed: dict[str, str], problem: ApiProblem) -> Response:
    if problem.status not in (409, 422):
        raise problem
    return _form(page, shared, typed, problem)


def _form(page: Page, shared: dict[str, Any] | None, typed: dict[str, Any], problem: ApiProblem | None = None) -> Response:
    faults = {name.replace("utm.", "utm_"): sentence for name, sentence in (problem.faults() if problem else {}).items()}
    return page.render(
        "links/form.html",
        problem.status if problem else 200,
        shared=shared,
        typed=typed,
        problem=problem,
        faults=faults,
        utm=UTM,
        once=page.field("once"),
    )
