"""Who may use the organization: API keys, and sessions of the console."""

from typing import Any
from uuid import UUID

from starlette.responses import Response

from api.handling.services import Services
from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from console.refused import NOT_FOUND
from models.organizations.api_key import Role
from models.organizations.audit_log import record
from models.organizations.console_session import end_session, list_sessions

pages = Pages("settings")

ROLES = {
    Role.VIEWER: "Read everything but keys and the audit log, and preview.",
    Role.SENDER: "Also make, change and import contacts, enroll them, and launch campaigns.",
    Role.EDITOR: "Also write and publish campaigns, sequences and links, export, and correct verdicts.",
    Role.OWNER: "Also settings, channels, keys, the audit log, and erasing people.",
}
FIELDS = ("name", "role", "expires_at")


@pages.get("/settings/api-keys", role=Role.OWNER, reads=["cursor"])
async def api_keys(page: Page) -> Response:
    return await _keys(page)


@pages.post("/settings/api-keys", role=Role.OWNER)
async def make_key(page: Page) -> Response:
    """Shows the text of the new key on the page that answers the form, because it can be shown once. The form sent a second time
    makes no second key and has no text to show."""
    typed = {name: page.field(name).strip() for name in FIELDS}
    body: dict[str, Any] = {**typed, "expires_at": page.times.midnight(typed["expires_at"]) or None}
    try:
        made = await page.api.post("/api-keys", body, once=page.field("once"))
    except ApiProblem as problem:
        if problem.status not in (409, 422):
            raise
        return await _keys(page, problem=problem, typed=typed)
    return await _keys(page, made=made)


@pages.post("/settings/api-keys/{key_id}/revoke", role=Role.OWNER)
async def revoke_key(page: Page) -> Response:
    try:
        await page.api.delete(f"/api-keys/{page.path('key_id')}")
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return await _keys(page, problem=problem)
    return page.go_to("/settings/api-keys", "Revoked. It is refused from now on, and its sessions are over.")


async def _keys(
    page: Page, problem: ApiProblem | None = None, typed: dict[str, str] | None = None, made: dict[str, Any] | None = None
) -> Response:
    return page.render(
        "settings/api_keys.html",
        problem.status if problem else 200,
        api_keys=await page.api.get("/api-keys", limit=200, cursor=page.query("cursor")),
        roles=ROLES,
        role_options=[(role.value, role.value) for role in ROLES],
        typed={"name": "", "role": Role.VIEWER.value, "expires_at": "", **(typed or {})},
        problem=problem,
        faults=problem.faults() if problem else {},
        made=made,
    )


# Sessions belong to the console and not to the API, so these two ask the models.


@pages.get("/settings/sessions", role=Role.OWNER)
async def sessions(page: Page) -> Response:
    keys = {each["id"]: each for each in (await page.api.get("/api-keys", limit=500))["items"]}
    services: Services = page.request.app.state.services
    async with services.database.transaction() as session:
        live = await list_sessions(session, page.signed_in.organization.id)
        session.expunge_all()
    return page.render("settings/sessions.html", sessions=live, api_keys=keys)


@pages.post("/settings/sessions/{session_id}/end", role=Role.OWNER)
async def end(page: Page) -> Response:
    services: Services = page.request.app.state.services
    try:
        session_id = UUID(page.path("session_id"))
    except ValueError:
        raise NOT_FOUND from None
    org_id, request_id = page.signed_in.organization.id, page.request.state.request_id
    async with services.database.transaction() as session:
        if not await end_session(session, org_id, session_id):
            raise NOT_FOUND
        key_id = page.signed_in.key.id
        ended = record(session, org_id, "console_sessions.end", "console_session", str(session_id), key_id, request_id)
    page.api.note_changes([ended])
    return page.go_to("/settings/sessions", "Ended. Its browser has to sign in again.")
