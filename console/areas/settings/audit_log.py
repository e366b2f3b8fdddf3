"""The audit log: who changed what, and when."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("settings")

FILTERS = ("action", "key_id", "target_id", "since", "until")
PAGES_OF = {
    "campaign": "/campaigns/{}",
    "sequence": "/sequences/{}",
    "contact": "/contacts/{}",
    "channel": "/settings/channels/{}",
    "segment": "/segments/{}",
    "notification_target": "/settings/notification-targets/{}",
    "shared_link": "/links/shared/{}",
    "contact_import": "/contacts/import/{}",
}
"""Where the page of what was changed is."""


@pages.get("/settings/audit-log", role=Role.OWNER)
async def audit_log(page: Page) -> Response:
    wanted: dict[str, Any] = {name: page.query(name) for name in FILTERS}
    wanted |= {name: page.times.midnight(wanted[name]) for name in ("since", "until")}
    keys = {each["id"]: each for each in (await page.api.get("/api-keys", limit=500))["items"]}
    found, problem = None, None
    try:
        found = await page.api.get("/audit-log", cursor=page.query("cursor"), **wanted)
    except ApiProblem as refused:
        if refused.status != 422:
            raise
        problem = refused
    return page.render(
        "settings/audit_log.html",
        problem.status if problem else 200,
        found=found,
        api_keys=keys,
        problem=problem,
        typed={name: page.query(name) for name in FILTERS},
        pages_of=PAGES_OF,
        actions=sorted(page.request.app.state.actions),
    )
