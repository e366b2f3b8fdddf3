"""Segments: saved filters on contacts, their builder, and who is in them now."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.segments.choices import abouts
from console.areas.segments.form import REPEATS, press, read_form, tidy
from console.areas.segments.kinds import TITLES
from console.areas.segments.tree import Rule, as_definition, mark_doubles, mark_faults, read_definition
from console.areas.segments.words import in_words
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("segments")

ALONE = 12
"""The most rules that are counted alone at once."""


@pages.get("/segments", reads=["cursor"])
async def all_segments(page: Page) -> Response:
    """Who is in each is not counted here."""
    found = await page.api.get("/segments", cursor=page.query("cursor"))
    words = {each["id"]: in_words(read_definition(each["definition"], page.times)) for each in found["items"]}
    return page.render("segments/list.html", found=found, words=words)


@pages.get("/segments/new", role=Role.EDITOR)
async def new(page: Page) -> Response:
    return await _builder(page, None, "", tidy(Rule("group")))


@pages.post("/segments/new", role=Role.EDITOR, repeats=REPEATS)
async def create(page: Page) -> Response:
    return await _pressed(page, None)


@pages.get("/segments/{segment_id}", reads=["count"])
async def one(page: Page) -> Response:
    """People who are many take a while to find. So the rules are there at once, and `?count=1` shows them with who fits."""
    segment = await _saved(page)
    people, problem = await _people(page) if page.query("count") == "1" else (None, None)
    root = read_definition(segment["definition"], page.times)
    status = problem.status if problem else 200
    return await _builder(page, segment, segment["name"], root, status=status, found=people, problem=problem)


@pages.post("/segments/{segment_id}", role=Role.EDITOR, repeats=REPEATS)
async def change(page: Page) -> Response:
    return await _pressed(page, await _saved(page))


@pages.get("/segments/{segment_id}/people", reads=["count", "cursor"])
async def people(page: Page) -> Response:
    """Everybody who is in it now, page by page. The first page and the count are shown with `?count=1`; a later page has no count
    and is read at once."""
    segment, found, problem = await _saved(page), None, None
    if page.query("cursor"):
        found = {"count": None, "contacts": await page.api.get(_path(page, "/contacts"), cursor=page.query("cursor"))}
    elif page.query("count") == "1":
        found, problem = await _people(page)
    status = problem.status if problem else 200
    return page.render("segments/people.html", status, segment=segment, found=found, problem=problem)


@pages.post("/segments/{segment_id}/delete", role=Role.EDITOR)
async def delete(page: Page) -> Response:
    """The filter is gone, its contacts stay."""
    segment = await _saved(page)
    await page.api.delete(_path(page))
    return page.go_to("/segments", f"{segment['name']} is deleted. Its contacts stay.")


def _path(page: Page, more: str = "") -> str:
    return f"/segments/{page.path('segment_id')}{more}"


async def _saved(page: Page) -> dict[str, Any]:
    """The segment without its people."""
    found: dict[str, Any] = await page.api.get(_path(page), people="false")
    return found


async def _people(page: Page) -> tuple[dict[str, Any] | None, ApiProblem | None]:
    """Returns the count and the first people, or why they cannot be found now."""
    try:
        return await page.api.get(_path(page)), None
    except ApiProblem as problem:
        if problem.status not in (429, 503):
            raise
        return None, problem


async def _pressed(page: Page, segment: dict[str, Any] | None) -> Response:
    """Every button of the builder sends the whole form; `do` says which one it was."""
    root, name, button = read_form(page), page.field("name"), page.field("do") or "count"
    if button == "save" and mark_doubles(root):
        return await _builder(page, segment, name, tidy(root), status=422)
    if button == "save":
        definition, paths = as_definition(root, page.times)
        try:
            saved = await _save(page, segment, {"name": name, "definition": definition})
        except ApiProblem as problem:
            if problem.status not in (409, 422):
                raise
            left = mark_faults(paths, problem.faults())
            return await _builder(page, segment, name, tidy(root), status=problem.status, problem=problem, faults=left)
        return page.go_to(f"/segments/{saved['id']}", f"{saved['name']} is saved: {saved['count']:,} people now.")
    press(root, button)
    root = tidy(root)
    if button == "each":
        await _count_alone(page, root)
    return await _preview(page, segment, name, root)


async def _save(page: Page, segment: dict[str, Any] | None, body: dict[str, Any]) -> dict[str, Any]:
    if segment is None:
        made: dict[str, Any] = await page.api.post("/segments", body, once=page.field("once"))
        return made
    changed: dict[str, Any] = await page.api.patch(f"/segments/{segment['id']}", body)
    return changed


async def _preview(page: Page, segment: dict[str, Any] | None, name: str, root: Rule) -> Response:
    """What is not finished is not counted, and says what it lacks."""
    if mark_doubles(root):
        return await _builder(page, segment, name, root)
    definition, paths = as_definition(root, page.times)
    try:
        found = await page.api.post("/segments/preview", {"definition": definition})
    except ApiProblem as problem:
        if problem.status not in (422, 429, 503):
            raise
        left = mark_faults(paths, problem.faults())
        return await _builder(page, segment, name, root, problem=problem, faults=left)
    return await _builder(page, segment, name, root, found={"count": found["count"], "contacts": {"items": found["contacts"]}})


async def _count_alone(page: Page, root: Rule) -> None:
    """What each condition finds by itself. One that is not finished finds nothing that can be said."""
    for rule in root.rules[:ALONE]:
        if mark_doubles(rule):
            continue
        definition, _ = as_definition(rule, page.times)
        found = await page.maybe(page.api.post("/segments/preview", {"definition": definition}), 422, 503)
        rule.count = found and found["count"]


async def _builder(
    page: Page,
    segment: dict[str, Any] | None,
    name: str,
    root: Rule,
    *,
    status: int = 200,
    found: dict[str, Any] | None = None,
    problem: ApiProblem | None = None,
    faults: dict[str, str] | None = None,
) -> Response:
    """`found` is the count and the first people, when the rules could be asked."""
    return page.render(
        "segments/builder.html",
        status,
        segment=segment,
        typed_name=name,
        root=root,
        found=found,
        problem=problem if problem and (faults or problem.status != 422) else None,
        unfinished=any(rule.fault for rule in root.walk()) or (problem is not None and problem.status == 422),
        faults=faults or {},
        titles=TITLES,
        words=in_words(root),
        once=page.field("once"),
        **await abouts(page, root),
    )
