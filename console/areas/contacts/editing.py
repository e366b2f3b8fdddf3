"""Adding a contact by hand, and changing one."""

from typing import Any

import orjson
from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.contacts.country import country_of
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role
from models.organizations.time_zone import known_time_zones

pages = Pages("contacts")

TEXTS = ("first_name", "last_name", "email", "phone", "external_id", "time_zone")
SHOWN = (*TEXTS, "tags", "properties")


@pages.get("/contacts/new", role=Role.SENDER)
async def new(page: Page) -> Response:
    typed = dict.fromkeys((*TEXTS, "tags", "properties"), "")
    return _form(page, None, {**typed, **{name: page.query(name) for name in TEXTS}})


@pages.post("/contacts/new", role=Role.SENDER)
async def create(page: Page) -> Response:
    typed = _typed(page)
    try:
        made = await page.api.post("/contacts", {**_body(page, typed)}, once=page.field("once"))
    except ApiProblem as problem:
        return _refused(page, None, typed, problem)
    return page.go_to(f"/contacts/{made['id']}", "Added.")


@pages.get("/contacts/{contact_id}/edit", role=Role.SENDER)
async def edit(page: Page) -> Response:
    contact = await page.api.get(f"/contacts/{page.path('contact_id')}")
    return _form(page, contact, shown_fields(contact))


@pages.post("/contacts/{contact_id}/edit", role=Role.SENDER)
async def change(page: Page) -> Response:
    """Sends what differs from what is stored, so that two people who change different fields do not undo each other."""
    contact = await page.api.get(f"/contacts/{page.path('contact_id')}")
    typed, shown = _typed(page), shown_fields(contact)
    try:
        body = _body(page, {name: typed[name] for name in SHOWN if typed[name] != shown[name]}, contact["properties"])
        await page.api.patch(f"/contacts/{contact['id']}", body)
    except ApiProblem as problem:
        return _refused(page, contact, typed, problem)
    return page.go_to(f"/contacts/{contact['id']}", "Saved.")


def shown_fields(contact: dict[str, Any]) -> dict[str, str]:
    """What the form shows of a contact: tags as a list with commas, properties as JSON."""
    properties = orjson.dumps(contact["properties"], option=orjson.OPT_INDENT_2).decode() if contact["properties"] else ""
    texts = {name: contact[name] or "" for name in TEXTS}
    return {**texts, "tags": ", ".join(contact["tags"]), "properties": properties}


def _typed(page: Page) -> dict[str, str]:
    return {name: page.field(name).strip() for name in SHOWN}


def _body(page: Page, typed: dict[str, str], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Raises ApiProblem for properties that are no JSON object, as the API would."""
    new_contact = before is None
    body: dict[str, Any] = {name: typed[name] or None for name in TEXTS if name in typed and (typed[name] or not new_contact)}
    if typed.get("phone") and (country := country_of(page.times.zone_name)):
        body["default_country"] = country
    if "tags" in typed:
        body["tags"] = [tag for each in typed["tags"].split(",") if (tag := each.strip())]
    if "properties" in typed:
        given = _properties(typed["properties"])
        body["properties"] = {**dict.fromkeys(set(before or {}) - set(given)), **given}
    return body


def _properties(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        sentence = 'Write a JSON object, such as {"plan": "gold"}.'
        errors = [{"field": "properties", "message": sentence}]
        raise ApiProblem(422, {"code": "invalid", "title": "Invalid", "detail": sentence, "errors": errors})
    return found


def _refused(page: Page, contact: dict[str, Any] | None, typed: dict[str, str], problem: ApiProblem) -> Response:
    if problem.status not in (409, 422):
        raise problem
    return _form(page, contact, typed, problem)


def _form(page: Page, contact: dict[str, Any] | None, typed: dict[str, str], problem: ApiProblem | None = None) -> Response:
    faults = problem.faults() if problem else {}
    for field in ("tags", "properties"):  # the API names the entry that is wrong
        found = [text for name, text in faults.items() if name.startswith((f"{field}[", f"{field}."))]
        if found:
            faults.setdefault(field, found[0])
    others = [each["contact_id"] for each in problem.errors if each.get("contact_id")] if problem else []
    return page.render(
        "contacts/form.html",
        problem.status if problem else 200,
        contact=contact,
        typed=typed,
        problem=problem,
        faults=faults,
        shown=SHOWN,
        others=list(dict.fromkeys(others)),
        zones=[("", "Not known"), *((name, name) for name in sorted(known_time_zones()))],
        country=country_of(page.times.zone_name),
    )
