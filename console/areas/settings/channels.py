"""Channels: who sends. Making and changing one, and trying it out."""

from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.settings.channel_fields import (
    Unreadable,
    changed_config,
    faults_of,
    new_config,
    settings_of,
    shown_settings,
    typed_settings,
)
from console.page import Page
from console.pages import Pages
from console.refused import NOT_FOUND
from models.channels.channel import ChannelKind, Medium
from models.organizations.api_key import Role
from services.channels.registry import CHANNEL_TYPES

pages = Pages("settings")

HERE = "/settings/channels"
KINDS = {
    ChannelKind.SMTP: "E-mail by any mail server: your own, or a provider's.",
    ChannelKind.TWILIO: "SMS by Twilio.",
    ChannelKind.HTTP: "SMS or e-mail by any provider that takes a signed POST.",
    ChannelKind.SIMULATOR: "Phones and mailboxes in the database, to try things out. Reaches nobody.",
}


@pages.get(HERE, reads=["cursor"])
async def channels(page: Page) -> Response:
    return page.render("settings/channels.html", found=await page.api.get("/channels", cursor=page.query("cursor")))


@pages.get(f"{HERE}/new", role=Role.OWNER, reads=["kind", "medium"])
async def new(page: Page) -> Response:
    """Without `?kind=` it asks which one."""
    if page.query("kind") not in set(ChannelKind):
        return page.render("settings/channel_kinds.html", kinds=KINDS, media={kind: CHANNEL_TYPES[kind].media for kind in KINDS})
    return await _form(page, None)


@pages.post(f"{HERE}/new", role=Role.OWNER, reads=["kind", "medium"])
async def create(page: Page) -> Response:
    kind, medium = _kind_and_medium(page, None)
    settings = settings_of(kind, medium)
    typed = typed_settings(page, settings)
    try:
        body = {"name": page.field("name").strip(), "kind": kind, "medium": medium, "config": new_config(settings, typed)}
        made = await page.api.post("/channels", body, once=page.field("once"))
    except (ApiProblem, Unreadable) as problem:
        return await _refused(page, None, problem)
    return page.go_to(f"{HERE}/{made['id']}", "Saved. Nothing was sent yet: send a test.")


@pages.get(f"{HERE}/{{channel_id}}/edit", role=Role.OWNER)
async def edit(page: Page) -> Response:
    return await _form(page, await _get(page))


@pages.post(f"{HERE}/{{channel_id}}/edit", role=Role.OWNER)
async def change(page: Page) -> Response:
    channel = await _get(page)
    settings = settings_of(*_kind_and_medium(page, channel))
    typed, shown = typed_settings(page, settings), shown_settings(settings, channel["config"])
    try:
        page.require_seen(channel)
        await page.api.patch(f"/channels/{channel['id']}", {"config": changed_config(settings, typed, shown)})
    except (ApiProblem, Unreadable) as problem:
        return await _refused(page, channel, problem)
    return page.go_to(f"{HERE}/{channel['id']}", "Saved. Messages are sent so from now on.")


async def _get(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = await page.api.get(f"/channels/{page.path('channel_id')}")
    return found


def _kind_and_medium(page: Page, channel: dict[str, Any] | None) -> tuple[ChannelKind, Medium]:
    """Raises Refused for a kind or a medium that there is not."""
    given = channel or {"kind": page.field("kind") or page.query("kind"), "medium": page.field("medium") or page.query("medium")}
    try:
        kind = ChannelKind(given["kind"])
        media = sorted(CHANNEL_TYPES[kind].media)
        medium = Medium(given["medium"] or media[0])
    except ValueError:
        raise NOT_FOUND from None
    if medium not in media:
        raise NOT_FOUND
    return kind, medium


async def _refused(page: Page, channel: dict[str, Any] | None, problem: ApiProblem | Unreadable) -> Response:
    if isinstance(problem, Unreadable):
        sentence = "Some settings cannot be read."
        errors = [{"field": field, "message": text} for field, text in problem.faults.items()]
        problem = ApiProblem(422, {"code": "invalid", "title": "Nothing was saved", "detail": sentence, "errors": errors})
    if problem.status not in (409, 422):
        raise problem
    return await _form(page, channel, problem)


async def _form(page: Page, channel: dict[str, Any] | None, problem: ApiProblem | None = None) -> Response:
    kind, medium = _kind_and_medium(page, channel)
    settings = settings_of(kind, medium)
    if problem:
        typed = typed_settings(page, settings)
    elif channel:
        typed = shown_settings(settings, channel["config"])
    else:
        typed = {each.name: each.initial for each in settings}
    return page.render(
        "settings/channel_form.html",
        problem.status if problem else 200,
        channel=channel,
        kind=kind,
        medium=medium,
        about=KINDS[kind],
        settings=settings,
        typed={each.name: typed.get(each.name, "") for each in settings},
        typed_name=page.field("name"),
        problem=problem,
        faults=faults_of(problem.faults(), settings) if problem else {},
    )
