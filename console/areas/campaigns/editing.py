"""The editor of a draft: a form that works without JavaScript, in which every button sends what was typed."""

import re
from typing import Any

from starlette.responses import Response

from console.addresses import url
from console.api_calls import ApiProblem
from console.areas.campaigns import draft
from console.areas.campaigns.choices import Choices, choices
from console.areas.campaigns.previewing import seen_as
from console.areas.contacts.named import named_people
from console.forms import triggers
from console.forms.actions import OF_CAMPAIGN
from console.forms.rows import LINKS, are_too_many
from console.page import Page
from console.pages import Pages
from console.refused import Refused
from console.words.triggers import action_words
from models.organizations.api_key import Role

pages = Pages("campaigns")

_AT_A_FIELD = re.compile(
    r"name|channel|link_tracking|link_domain|utm\.\w+|message\.(subject|body|html|valid_for|links[.\[].*)"
    r"|audience\.(tags|exclude_tags|(segment_ids|exclude_segment_ids|contact_ids)\[\d+\])|" + triggers.AT_A_FIELD
)
"""The names of the fields at which the editor shows a fault."""
REFUSED = (409, 422)
TOO_LARGE = Refused(
    422,
    "This draft is too large for a form",
    f"The messages of its triggers have more than {LINKS} links together. Change it through the API, or take links away there.",
)


@pages.get("/campaigns/new", role=Role.EDITOR)
async def new(page: Page) -> Response:
    offered = await choices(page)
    first = offered.channels[0]["name"] if offered.channels else ""
    return await _editor(page, None, draft.empty(first), offered)


@pages.post("/campaigns/new", role=Role.EDITOR)
async def create(page: Page) -> Response:
    return await _answer(page, None)


@pages.get("/campaigns/{campaign_id}/edit")
async def edit(page: Page) -> Response:
    """A draft; what was launched is shown by its report."""
    campaign = await _campaign(page)
    if campaign["state"] != "draft":
        return page.go_to(f"/campaigns/{campaign['id']}")
    if are_too_many(campaign["triggers"]):
        raise TOO_LARGE
    typed = draft.typed_of(campaign)
    offered = await choices(page, typed["audience"]["contact_ids"])
    return await _editor(page, campaign, typed, offered)


@pages.post("/campaigns/{campaign_id}/edit", role=Role.EDITOR)
async def change(page: Page) -> Response:
    return await _answer(page, await _campaign(page))


@pages.post("/campaigns/{campaign_id}/delete", role=Role.EDITOR)
async def delete(page: Page) -> Response:
    campaign = await _campaign(page)
    await page.api.delete(f"/campaigns/{campaign['id']}")
    return page.go_to("/campaigns", f"{campaign['name']} is deleted.")


@pages.post("/campaigns/{campaign_id}/duplicate", role=Role.EDITOR)
async def duplicate(page: Page) -> Response:
    """A new draft with everything that the campaign has, also one of a campaign that was launched."""
    campaign = await _campaign(page)
    same = {name: campaign[name] for name in ("channel", "message", "audience", "link_tracking", "link_domain")}
    same |= {name: campaign[name] for name in ("utm", "utm_overwrite", "triggers")}
    name = f"{campaign['name'][:190]}, copy"
    made = await page.api.post("/campaigns", {**same, "name": name}, once=page.field("once"), recipients="false")
    return page.go_to(f"/campaigns/{made['id']}/edit", "This is the copy. Nothing of it is sent before you launch it.")


async def _campaign(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = await page.api.get(f"/campaigns/{page.path('campaign_id')}", recipients="false")
    return found


async def _answer(page: Page, campaign: dict[str, Any] | None) -> Response:
    """Does what the button says: changes the form, shows the preview, or saves the draft."""
    typed, wanted = draft.read(page.form), page.field("do", "save")
    if wanted == "add-contact":
        return await _with_contact(page, campaign, typed)
    if draft.change(typed, wanted) or wanted == "preview":
        return await _editor(page, campaign, typed, await choices(page, typed["audience"]["contact_ids"]))
    draft.without_blanks(typed)
    offered = await choices(page, typed["audience"]["contact_ids"])
    try:
        saved = await _save(page, campaign, typed, offered)
    except ApiProblem as problem:
        if problem.status not in REFUSED:
            raise
        return await _editor(page, campaign, typed, offered, problem)
    if wanted == "launch":
        return page.go_to(f"/campaigns/{saved['id']}/launch")
    return page.go_to(f"/campaigns/{saved['id']}/edit", "The draft is saved. Nothing is sent before you launch it.")


async def _save(page: Page, campaign: dict[str, Any] | None, typed: draft.Typed, offered: Choices) -> dict[str, Any]:
    if wrong := draft.faults_of_links(typed):
        errors = [{"field": field, "message": message} for field, message in wrong.items()]
        raise ApiProblem(
            422, {"title": "The draft cannot be saved", "detail": "A link needs a name of its own.", "errors": errors}
        )
    body = draft.request_of(typed, offered.media)
    if campaign is None:
        made: dict[str, Any] = await page.api.post("/campaigns", body, once=page.field("once"), recipients="false")
        return made
    saved: dict[str, Any] = await page.save(f"/campaigns/{campaign['id']}", body, campaign, recipients="false")
    return saved


async def _with_contact(page: Page, campaign: dict[str, Any] | None, typed: draft.Typed) -> Response:
    """Adds a person to the audience by whatever they are known by."""
    wanted, ids = page.field("find_contact").strip(), typed["audience"]["contact_ids"]
    found = await named_people(page, wanted) if wanted else []
    missing = ""
    if not wanted:
        missing = "Write an e-mail address, a phone number or an external id."
    elif len(found) != 1:
        missing = f"More than one contact has “{wanted}”." if found else f"There is no contact with “{wanted}”."
    elif found[0]["id"] not in ids:
        ids.append(found[0]["id"])
    offered = await choices(page, ids[-10:])
    return await _editor(page, campaign, typed, offered, missing=missing, status=422 if missing else 200)


async def _editor(
    page: Page,
    campaign: dict[str, Any] | None,
    typed: draft.Typed,
    offered: Choices,
    problem: ApiProblem | None = None,
    missing: str = "",
    status: int = 200,
) -> Response:
    """Shows the form. `missing` says why a contact was not found."""
    saved = campaign is not None and page.request.method == "GET"
    found = await page.together(
        seen=seen_as(page, typed, offered.media, page.field("preview_as")),
        check=page.api.post(f"/campaigns/{campaign['id']}/check") if saved and campaign else _nothing(),
    )
    faults = _at_fields(problem.faults()) if problem else {}
    return page.render(
        "campaigns/edit.html",
        problem.status if problem else status,
        campaign=campaign,
        editor_address=url(f"/campaigns/{campaign['id']}/edit" if campaign else "/campaigns/new"),
        typed=typed,
        offered=offered,
        problem=problem,
        faults={**faults, **({"find_contact": missing} if missing else {})},
        shown=[field for field in (problem.faults() if problem else ()) if _AT_A_FIELD.fullmatch(triggers.field_of(field))],
        medium=offered.media.get(typed["channel"], "sms"),
        kinds=[(each, action_words(each)) for each in OF_CAMPAIGN],
        preview_as=page.field("preview_as"),
        **found,
    )


async def _nothing() -> None:
    return None


def _at_fields(faults: dict[str, str]) -> dict[str, str]:
    """Returns the faults by the fields at which they are shown."""
    found: dict[str, str] = {}
    for field, message in faults.items():
        found.setdefault(triggers.field_of(field), message)
    return found
