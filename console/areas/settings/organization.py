"""The organization: what is tracked, its name and time zone, and who may be written to."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role
from models.organizations.time_zone import known_time_zones

pages = Pages("settings")

SWITCHES = ("link_tracking", "link_tracking_metadata")
TEXTS = ("name", "time_zone", "link_domain", "fallback_url", "click_retention_days")
MEDIA = ("sms", "email")


@pages.get("/settings")
async def organization(page: Page) -> Response:
    return await _shown(page)


@pages.post("/settings/tracking", role=Role.OWNER)
async def tracking(page: Page) -> Response:
    wanted = {name: page.field(name) == "on" for name in SWITCHES}
    before = await page.api.get("/organization")
    changed = {name: on for name, on in wanted.items() if before[name] != on}
    if changed:
        await page.api.patch("/organization", changed)
    return page.go_to("/settings", " ".join(_said(name, on) for name, on in changed.items()) or "Nothing was changed.")


@pages.post("/settings/organization", role=Role.OWNER)
async def change(page: Page) -> Response:
    """Fields that are empty become null: the server's own link domain, a plain 404 page, clicks kept for ever."""
    typed: dict[str, Any] = {name: page.field(name).strip() for name in TEXTS}
    body = {name: typed[name] or None for name in ("link_domain", "fallback_url")}
    body |= {name: typed[name] for name in ("name", "time_zone")}
    days = typed["click_retention_days"]
    body["click_retention_days"] = int(days) if days.isascii() and days.isdecimal() and len(days) < 9 else days or None
    body["shared_mailboxes"] = typed["shared_mailboxes"] = page.field("shared_mailboxes") == "on"
    return await _save(page, body, typed)


@pages.post("/settings/consent", role=Role.OWNER)
async def consent(page: Page) -> Response:
    names = ("opt_out_scope", "answers_words")
    typed: dict[str, Any] = {name: page.field(name) for name in names}
    typed["consent_required"] = [medium for medium in MEDIA if page.field(f"consent_{medium}") == "on"]
    return await _save(page, dict(typed), typed)


async def _save(page: Page, body: dict[str, Any], typed: dict[str, Any]) -> Response:
    try:
        await page.api.patch("/organization", body)
    except ApiProblem as problem:
        if problem.status not in (409, 422):
            raise
        return await _shown(page, problem, typed)
    return page.go_to("/settings", "Saved. It holds from now on.")


async def _shown(page: Page, problem: ApiProblem | None = None, typed: dict[str, Any] | None = None) -> Response:
    found = await page.api.get("/organization")
    return page.render(
        "settings/organization.html",
        problem.status if problem else 200,
        organization=found,
        typed={**found, **(typed or {})},
        problem=problem,
        faults=problem.faults() if problem else {},
        zones=[(name, name) for name in sorted(known_time_zones())],
    )


def _said(name: str, on: bool) -> str:
    if name == "link_tracking":
        return "Link tracking is on." if on else "Link tracking is off: new messages go out with their original addresses."
    if on:
        return "Link tracking metadata is on: clicks are recorded with place and device."
    return "Link tracking metadata is off: clicks are recorded without place and device."
