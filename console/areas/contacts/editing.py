"""Adding a contact by hand, and changing one."""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.contacts.country import country_of
from console.areas.contacts.properties import EMPTY_ROWS, KINDS, Row, TypedProperties
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role
from models.organizations.time_zone import known_time_zones

pages = Pages("contacts")

TEXTS = ("first_name", "last_name", "email", "phone", "external_id", "time_zone")
SHOWN = (*TEXTS, "tags", "properties")


@pages.get("/contacts/new", role=Role.SENDER, reads=TEXTS)
async def new(page: Page) -> Response:
    return _form(page, None, {"tags": "", **{name: page.query(name) for name in TEXTS}}, TypedProperties([], ""))


@pages.post("/contacts/new", role=Role.SENDER, reads=TEXTS)
async def create(page: Page) -> Response:
    typed, properties = _typed(page), TypedProperties.sent(page)
    if page.field("do") == "rows":
        return _form(page, None, typed, properties)
    body = _body(page, typed, dict.fromkeys(TEXTS, ""))
    try:
        made = await page.api.post("/contacts", _with_properties(body, properties, {}), once=page.field("once"))
    except ApiProblem as problem:
        return await _refused(page, None, typed, properties, problem)
    return page.go_to(f"/contacts/{made['id']}", "Added.")


@pages.get("/contacts/{contact_id}/edit", role=Role.SENDER)
async def edit(page: Page) -> Response:
    contact = await page.api.get(f"/contacts/{page.path('contact_id')}")
    return _form(page, contact, shown_fields(contact), TypedProperties.of(contact["properties"]))


@pages.post("/contacts/{contact_id}/edit", role=Role.SENDER)
async def change(page: Page) -> Response:
    """Sends what differs from what is stored."""
    contact = await page.api.get(f"/contacts/{page.path('contact_id')}")
    typed, properties = _typed(page), TypedProperties.sent(page)
    if page.field("do") == "rows":
        return _form(page, contact, typed, properties)
    body = _body(page, typed, shown_fields(contact))
    try:
        await page.save(f"/contacts/{contact['id']}", _with_properties(body, properties, contact["properties"]), contact)
    except ApiProblem as problem:
        return await _refused(page, contact, typed, properties, problem)
    return page.go_to(f"/contacts/{contact['id']}", "Saved.")


def shown_fields(contact: dict[str, Any]) -> dict[str, str]:
    """What the form shows of a contact: tags as a list with commas."""
    return {**{name: contact[name] or "" for name in TEXTS}, "tags": ", ".join(contact["tags"])}


def _typed(page: Page) -> dict[str, str]:
    return {name: page.field(name).strip() for name in (*TEXTS, "tags")}


def _body(page: Page, typed: dict[str, str], shown: dict[str, str]) -> dict[str, Any]:
    """What differs from what was shown."""
    differs = {name: value for name, value in typed.items() if value != shown.get(name)}
    body: dict[str, Any] = {name: differs[name] or None for name in TEXTS if name in differs}
    if body.get("phone") and (country := country_of(page.times.zone_name)):
        body["default_country"] = country
    if "tags" in differs:
        body["tags"] = [tag for each in typed["tags"].split(",") if (tag := each.strip())]
    return body


def _with_properties(body: dict[str, Any], typed: TypedProperties, before: dict[str, Any]) -> dict[str, Any]:
    """With the properties that change. Those that cannot be read are sent as text: the API refuses it together with whatever else
    is wrong, so that all faults are said at once."""
    try:
        given = typed.read()
    except ValueError:
        return {**body, "properties": "unreadable"}
    changed = {name: value for name, value in given.items() if name not in before or not _is_same(before[name], value)}
    changed |= dict.fromkeys(set(before) - set(given))
    return {**body, "properties": changed} if changed else body


def _is_same(one: Any, other: Any) -> bool:
    """Compares as JSON, in which `true` is not 1."""
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)


async def _refused(
    page: Page, contact: dict[str, Any] | None, typed: dict[str, str], properties: TypedProperties, problem: ApiProblem
) -> Response:
    if problem.status not in (409, 422):
        raise problem
    try:
        properties.read()
    except ValueError as sentence:
        fault = {"field": "properties", "message": str(sentence)}
        problem.errors = [fault if each["field"] == "properties" else each for each in problem.errors]
        if len(problem.errors) == 1:
            problem.detail = f"Properties: {sentence}"
    return _form(page, contact, typed, properties, problem, await _who_has_it(page, problem))


async def _who_has_it(page: Page, problem: ApiProblem) -> list[dict[str, Any]]:
    """The contacts that a conflict is about, as long as they are there."""
    ids = dict.fromkeys(str(each["contact_id"]) for each in problem.errors if each.get("contact_id"))
    found = await page.together(**{each: page.maybe(page.api.get(f"/contacts/{each}")) for each in ids})
    return [each for each in found.values() if each]


def _form(
    page: Page,
    contact: dict[str, Any] | None,
    typed: dict[str, str],
    properties: TypedProperties,
    problem: ApiProblem | None = None,
    others: Sequence[dict[str, Any]] = (),
) -> Response:
    faults = problem.faults() if problem else {}
    for field in ("tags", "properties"):  # the API names the entry that is wrong
        found = [text for name, text in faults.items() if name.startswith((f"{field}[", f"{field}."))]
        if found:
            faults.setdefault(field, found[0])
    return page.render(
        "contacts/form.html",
        problem.status if problem else 200,
        contact=contact,
        typed=typed,
        properties=properties,
        rows=[*properties.rows, *[Row()] * EMPTY_ROWS],
        kinds=KINDS,
        problem=problem,
        faults=faults,
        shown=SHOWN,
        others=others,
        zones=[("", "Not known"), *((name, name) for name in sorted(known_time_zones()))],
        country=country_of(page.times.zone_name),
    )
