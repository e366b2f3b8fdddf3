"""One contact: the conversation, what is known of them, and what they may get."""

from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from console.areas.contacts.timeline import SHOWN, marked, thread
from console.page import Page
from console.pages import Pages
from console.security import LETTER_HEADERS
from models.organizations.time_zone import known_time_zones

pages = Pages("contacts")

PER_PAGE = 40
FILTERS = ("campaign_id", "sequence_id", "enrollment_id", "since", "until", "verdict")


@pages.get("/contacts/{contact_id}", reads=["show", *FILTERS, "cursor"])
async def contact(page: Page) -> Response:
    """`?show=` is one of messages, clicks, replies, decisions and consent; `campaign_id`, `sequence_id`, `since`, `until` (days)
    `enrollment_id` and `verdict` narrow further."""
    contact_id = page.path("contact_id")
    path = f"/contacts/{contact_id}"
    person = await page.api.get(path)
    found = await page.together(
        conversation=page.api.get(f"{path}/conversation", limit=PER_PAGE, cursor=page.query("cursor"), **_wanted(page)),
        numbers=page.api.get(f"{path}/analytics", interval="day", time_zone=page.times.zone_name),
        consent=page.api.get(f"{path}/consent", limit=1),
        enrollments=page.api.get("/enrollments", contact_id=contact_id, limit=20),
    )
    items = found["conversation"]["items"]
    names = await _names(page, found["numbers"], items, found["enrollments"]["items"])
    show = page.choice("show", SHOWN)
    return page.render(
        "contacts/contact.html",
        person=person,
        entries=thread(items, page.times),
        marked=marked,
        names=names,
        key_names=await _key_names(page, items),
        show_now=show,
        shown=[("", "All"), *((name, name.capitalize()) for name in SHOWN)],
        filtered=any(page.query(name) for name in FILTERS),
        there=_local_time(page, person),
        **found,
    )


@pages.get("/messages/{message_id}/letter")
async def letter(page: Page) -> Response:
    """The HTML part of a mail, as a page of its own that runs no script and loads nothing. Links do not work in it, because a
    click on one would be the contact's."""
    message = await page.api.get(f"/messages/{page.path('message_id')}")
    text = message["html"] or "<p>This message has no HTML part.</p>"
    return Response(text, 200, LETTER_HEADERS, media_type="text/html")


def _wanted(page: Page) -> dict[str, Any]:
    days = {name: page.times.midnight(page.query(name)) for name in ("since", "until")}
    same = {name: page.query(name) for name in ("campaign_id", "sequence_id", "enrollment_id", "verdict")}
    return {"kind": list(SHOWN.get(page.query("show"), ())), **days, **same}


def _local_time(page: Page, person: dict[str, Any]) -> str | None:
    zone = person["time_zone"]
    return f"{page.times.now.astimezone(ZoneInfo(zone)):%H:%M}" if zone in known_time_zones() else None


async def _names(
    page: Page, numbers: dict[str, Any], items: list[dict[str, Any]], enrollments: list[dict[str, Any]]
) -> dict[str, str]:
    """Names of campaigns and sequences by their ids. Most of them have written to the contact or stand in the conversation."""
    names = {each["id"]: each["name"] for each in (*numbers["campaigns"], *numbers["sequences"])}
    for item in items:
        for kind in ("campaign", "sequence"):
            if item.get(f"{kind}_id") and item.get(kind):
                names[item[f"{kind}_id"]] = item[kind]
    missing = {each["sequence_id"] for each in enrollments} - set(names)
    asked = await page.together(**{each: page.maybe(page.api.get(f"/sequences/{each}")) for each in missing})
    return names | {each: found["name"] for each, found in asked.items() if found}


async def _key_names(page: Page, items: list[dict[str, Any]]) -> dict[str, str]:
    """Names of the API keys that enrolled the contact, by their ids. Only owners see keys."""
    if not page.may("owner") or not any(item.get("key_id") for item in items):
        return {}
    return {each["id"]: each["name"] for each in (await page.api.get("/api-keys", limit=500))["items"]}
