"""Link domains: hosts on which the organization's links stand."""

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("settings")

PATH = "/organization/link-domains"


@pages.get("/settings/link-domains", reads=["cursor"])
async def link_domains(page: Page) -> Response:
    return await _shown(page)


@pages.post("/settings/link-domains", role=Role.OWNER)
async def claim(page: Page) -> Response:
    try:
        made = await page.api.post(PATH, {"host": page.field("host").strip()}, once=page.field("once"))
    except ApiProblem as problem:
        return await _refused(page, problem)
    return page.go_to("/settings/link-domains", f"{made['host']} is claimed. Make the record, then verify it.")


@pages.post("/settings/link-domains/{host}/verify", role=Role.OWNER)
async def verify(page: Page) -> Response:
    host = page.path("host")
    try:
        await page.api.post(f"{PATH}/{host}/verify")
    except ApiProblem as problem:
        return await _refused(page, problem, host)
    return page.go_to("/settings/link-domains", f"{host} is yours. Set it as link domain where messages are to use it.")


@pages.post("/settings/link-domains/{host}/release", role=Role.OWNER)
async def release(page: Page) -> Response:
    host = page.path("host")
    try:
        await page.api.delete(f"{PATH}/{host}")
    except ApiProblem as problem:
        return await _refused(page, problem, host)
    return page.go_to("/settings/link-domains", f"{host} is released.")


async def _refused(page: Page, problem: ApiProblem, host: str = "") -> Response:
    if problem.status not in (409, 422):
        raise problem
    return await _shown(page, problem, host)


async def _shown(page: Page, problem: ApiProblem | None = None, host: str = "") -> Response:
    """`host` is the domain that was not verified or released."""
    return page.render(
        "settings/link_domains.html",
        problem.status if problem else 200,
        found=await page.api.get(PATH, cursor=page.query("cursor")),
        problem=problem,
        host=host,
        typed=page.field("host"),
        faults=problem.faults() if problem and not host else {},
    )
