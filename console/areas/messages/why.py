"""Why a message was sent or not: the chain of answers, each with the facts that it looked at and the rows that prove it."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from console.addresses import url
from console.page import Page
from console.pages import Pages
from console.words.consent_sources import SOURCES

pages = Pages("contacts")

IDS = {
    "message_id": "/messages/{}/why",
    "campaign_id": "/campaigns/{}",
    "sequence_id": "/sequences/{}",
    "segment_id": "/segments/{}",
    "enrollment_id": "/enrollments/{}",
}
"""Facts that lead somewhere."""
NAMES = {"message_id": "The message", "enrollment_id": "The enrollment"}
"""What has no name of its own beside its id."""
UNSHOWN = {"channel_id", "key_id", "cause_id", "firing_id", "click_id", "trigger_id"}
"""Ids without a page: what they are is said by a fact beside them, and the rows that prove the answer name them."""
MEDIA = {"sms": "SMS", "email": "e-mail"}
WORDS: Mapping[str, Mapping[str, str]] = {
    "consent_source": SOURCES,
    "medium": MEDIA,
    "consent_state": {"opted_in": "opted in", "opted_out": "opted out"},
}
TABLES = {"contact": "/contacts/{}", "campaign": "/campaigns/{}", "sequence": "/sequences/{}", "segment": "/segments/{}"}
MOMENTS = ("given_at", "lifted_at", "since", "clicked_at", "due_at", "refused_at", "late_after", "reported_at")


@pages.get("/messages/{message_id}/why")
async def why(page: Page) -> Response:
    """One page for "why did they get it?" and "why did they not?"."""
    path = f"/messages/{page.path('message_id')}"
    found = await page.together(answer=page.api.get(f"{path}/why"), message=page.api.get(path))
    message = found["message"]
    contact = await page.api.get(f"/contacts/{message['contact_id']}")
    chain = [{**each, "shown": facts(each["facts"], page), "proof": rows(each["rows"])} for each in found["answer"]["chain"]]
    return page.render("messages/why.html", message=message, contact=contact, answer=found["answer"], chain=chain)


def facts(given: Mapping[str, Any], page: Page) -> list[dict[str, Any]]:
    """The facts as name, value and where they lead. A thing stands there once: by its name, which leads to its page."""
    named = {f"{name}_id" for name in given}  # `campaign` beside `campaign_id`
    found = []
    for name, value in given.items():
        if name in named or name in UNSHOWN:
            continue
        with_page = name if name in IDS else f"{name}_id"
        href = url(IDS[with_page].format(given[with_page])) if with_page in IDS and with_page in given else ""
        shown = page.times.at(value) if name in MOMENTS else NAMES.get(name) or _word(name, value)
        found.append({"name": name.removesuffix("_id").replace("_", " "), "value": shown, "href": href})
    return found


def rows(given: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**each, "href": url(TABLES[each["table"]].format(each["id"])) if each["table"] in TABLES else ""} for each in given]


def _word(name: str, value: Any) -> str:
    return WORDS.get(name, {}).get(value) or _said(value) if isinstance(value, str) else _said(value)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(f"{name} {each}" for name, each in value.items()) if isinstance(value, dict) else str(value)
