"""Addresses to which nothing is sent: the list, adding one, lifting one."""

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.contacts.country import country_of
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("contacts")

FIELDS = ("medium", "address", "reason", "detail")
FILTERS = ("medium", "reason", "address", "lifted")
READS = (*FILTERS, "cursor")


@pages.get("/suppressions", reads=READS)
async def suppressions(page: Page) -> Response:
    """`?medium=`, `?reason=`, `?address=` and `?lifted=true` narrow."""
    return await _shown(page)


@pages.post("/suppressions", role=Role.SENDER, reads=READS)
async def add(page: Page) -> Response:
    typed = {name: page.field(name).strip() for name in FIELDS}
    body = {**typed, "detail": typed["detail"] or None}
    if typed["medium"] == "sms" and (country := country_of(page.times.zone_name)):
        body["default_country"] = country
    try:
        made = await page.api.post("/suppressions", body, once=page.field("once"))
    except ApiProblem as problem:
        return await _refused(page, problem)
    return page.go_to("/suppressions", f"Nothing is sent to {made['address']} any more.")


@pages.post("/suppressions/{suppression_id}/lift", role=Role.EDITOR, reads=READS)
async def lift(page: Page) -> Response:
    try:
        await page.api.delete(f"/suppressions/{page.path('suppression_id')}", reason=page.field("lift_reason").strip())
    except ApiProblem as problem:
        return await _refused(page, problem)
    return page.go_to("/suppressions", "Lifted. Messages may go there again, unless the person has refused them.")


async def _refused(page: Page, problem: ApiProblem) -> Response:
    if problem.status not in (409, 422):
        raise problem
    return await _shown(page, problem)


async def _shown(page: Page, problem: ApiProblem | None = None) -> Response:
    """A filter that cannot be read, such as half of an address, finds nothing and says why."""
    filters = {name: page.query(name) for name in FILTERS}
    found, refused = None, None
    try:
        found = await page.api.get("/suppressions", cursor=page.query("cursor"), **filters)
    except ApiProblem as fault:
        if fault.status != 422:
            raise
        refused = fault
    shown = problem or refused
    return page.render(
        "contacts/suppressions.html",
        shown.status if shown else 200,
        found=found,
        filters=filters,
        problem=problem,
        refused=refused,
        faults=problem.faults() if problem else {},
        typed={name: page.field(name) for name in FIELDS},
    )
