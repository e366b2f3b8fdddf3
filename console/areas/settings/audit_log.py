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
    "shared_link": "/links/{}",
    "contact_import": "/contacts/import/{}",
}
"""Where the page of what was changed is."""

LISTS = {"campaign": "/campaigns", "sequence": "/sequences", "channel": "/channels", "segment": "/segments"}
"""Lists that say the names of things, of which one page is asked for; what is not on it stands by its kind."""


@pages.get("/settings/audit-log", role=Role.OWNER, reads=[*FILTERS, "cursor"])
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
    names = await _names(page, found["items"] if found else [])
    return page.render(
        "settings/audit_log.html",
        problem.status if problem else 200,
        found=found,
        api_keys=keys,
        names=names,
        problem=problem,
        typed={name: page.query(name) for name in FILTERS},
        pages_of=PAGES_OF,
        actions=sorted(page.request.app.state.actions),
    )


async def _names(page: Page, entries: list[dict[str, Any]]) -> dict[str, str]:
    """The names of things on this page of the log, by their ids."""
    kinds = {each["target_kind"] for each in entries} & set(LISTS)
    found = await page.together(**{kind: page.api.get(LISTS[kind], limit=100) for kind in kinds})
    return {each["id"]: each["name"] for listed in found.values() for each in listed["items"]}
