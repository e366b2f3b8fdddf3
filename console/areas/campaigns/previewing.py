"""The message of a campaign as one contact would get it: beside the editor, while somebody types, and as a letter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.campaigns import draft
from console.page import Page
from console.pages import Pages
from console.security import LETTER_HEADERS
from models.organizations.api_key import Role

pages = Pages("campaigns")

CAPACITY = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""Characters of one text message, and of each when there are several."""


@dataclass(frozen=True)
class Seen:
    """`shown` is the API's preview, or None with the `faults` that keep it from being shown."""

    shown: Mapping[str, Any] | None
    faults: Mapping[str, str]

    @property
    def capacity(self) -> int:
        """How many characters the segments of the text message have."""
        assert self.shown is not None and self.shown["sms"] is not None  # noqa: S101, PT018 - only asked of a text message
        one, each = CAPACITY[self.shown["sms"]["encoding"]]
        segments: int = self.shown["sms"]["segments"]
        return one if segments <= 1 else each * segments


async def seen_as(page: Page, typed: draft.Typed, media: Mapping[str, str], contact_id: str) -> Seen:
    """Fills the message in for this contact, or for an invented one when the id is empty."""
    if not (typed["message"]["body"].strip() or typed["message"]["html"].strip()):
        return Seen(None, {})
    body = {**draft.message_request_of(typed, media), "contact_id": contact_id or None}
    try:
        return Seen(await page.api.post("/campaigns/preview", body), {})
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        return Seen(None, problem.faults())


@pages.post("/campaigns/preview", role=Role.EDITOR)
async def fragment(page: Page) -> Response:
    """The preview alone, for the editor's page while somebody types."""
    typed, media = draft.read(page.form), await _media(page)
    seen = await seen_as(page, typed, media, page.field("preview_as"))
    return page.render("campaigns/parts/preview.html", seen=seen, medium=media.get(typed["channel"], "sms"), typed=typed)


@pages.post("/campaigns/letter", role=Role.EDITOR)
async def typed_letter(page: Page) -> Response:
    """The HTML part of what is typed: the editor's form sends itself into the frame."""
    typed = draft.read(page.form)
    return _letter(page, await seen_as(page, typed, await _media(page), page.field("preview_as")))


@pages.get("/campaigns/{campaign_id}/letter", reads=["contact_id"])
async def letter(page: Page) -> Response:
    """The HTML part of a saved message as `?contact_id=…` gets it."""
    try:
        shown = await page.api.post(
            f"/campaigns/{page.path('campaign_id')}/preview", {"contact_id": page.query("contact_id") or None}
        )
    except ApiProblem as problem:
        if problem.status != 422 or page.is_no_address(problem):
            raise
        return _letter(page, Seen(None, problem.faults()))
    return _letter(page, Seen(shown, {}))


def _letter(page: Page, seen: Seen) -> Response:
    """The mail stands at an address of its own, whose policy lets its styles work and none of its scripts."""
    if seen.shown is not None and seen.shown["html"]:
        return Response(seen.shown["html"], 200, LETTER_HEADERS, media_type="text/html")
    answer = page.render("campaigns/parts/no_letter.html", 200 if seen.shown else 422, seen=seen)
    answer.headers.update(LETTER_HEADERS)
    return answer


async def _media(page: Page) -> dict[str, str]:
    found = await page.api.get("/channels", limit=100)
    return {each["name"]: each["medium"] for each in found["items"]}
