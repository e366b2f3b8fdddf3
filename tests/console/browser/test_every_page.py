"""Every page of the registry in a real browser, about things with hostile names: nothing breaks the policy, nothing is
inaccessible, nothing is wider than a phone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from bench.parts.console_pages import addresses, page_paths
from settings import Settings
from tests.console.browser.conftest import DESKTOP, Team, new_team
from tests.console.browser.sent import send_campaign

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>\u202e\u2066 ' + "W" * 90
WITHOUT_AN_ID = {"/contacts/import/{import_id}"}
"""Pages about what these tests do not make: their areas' tests look at them."""
LETTERS = ("/letter",)
"""Mails in a sandbox without scripts, in which nobody can look."""


async def everything(team: Team) -> dict[str, str]:
    """One of each thing, and its id by the name of the parameter in addresses."""
    sent = await send_campaign(team, HOSTILE, "Ben", name=HOSTILE)
    await sent.click()
    message = (await team.get("/messages", campaign_id=sent.campaign_id))["items"][0]
    draft = await team.post(
        "/campaigns", {"name": HOSTILE, "channel": "simulator-email", "message": {"subject": "Hi", "body": "Hi"}}
    )
    sequence = await team.post("/sequences", {"name": HOSTILE, "steps": STEPS})
    await team.post(f"/sequences/{sequence['id']}/publish")
    enrolled = await team.post(f"/sequences/{sequence['id']}/enrollments", {"contact_ids": [sent.contacts[0]]})
    segment = await team.post("/segments", {"name": HOSTILE, "definition": {"kind": "tags", "has": "any", "tags": ["demo"]}})
    shared = await team.post(
        "/shared-links", {"slug": "on-every-page", "destination": "https://example.com/?q=<b>", "name": HOSTILE}
    )
    target = await team.post("/notification-targets", {"name": "Sales", "address": "json://127.0.0.1:9/"})
    campaign = await team.get(f"/campaigns/{sent.campaign_id}")
    return {
        "campaign_id": sent.campaign_id,
        "draft_id": draft["id"],
        "message_id": message["id"],
        "contact_id": sent.contacts[0],
        "sequence_id": sequence["id"],
        "version": "1",
        "enrollment_id": enrolled["results"][0]["enrollment_id"],
        "segment_id": segment["id"],
        "shared_link_id": shared["id"],
        "link_id": campaign["links"][0]["id"],
        "target_id": target["id"],
        "channel_id": campaign["channel_id"],
    }


COVERED = """
() => [...document.querySelectorAll("main :is(tr, .feed li) :is(a, button, summary, select, input)")].filter((each) => {
  each.scrollIntoView({ block: "center", inline: "center" });
  const box = each.getClientRects()[0];
  if (!box || box.width < 2 || !each.checkVisibility() || each.matches(".row, .who a, dialog *, [popover] *")) return false;
  const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return hit && hit !== each && !each.contains(hit) && !hit.contains(each);
}).map((each) => each.outerHTML.slice(0, 200))
"""
"""What the mouse cannot reach, because something else of its row lies over it."""
CUT_OFF = """
() => [...document.querySelectorAll(
  "main .cell :is(input, select, textarea, button, a, th, td, p, dd), main .scroll:has(> .stack)"
)].filter((each) => {
  if (!each.checkVisibility() || !each.getClientRects().length) return false;
  if (each.matches(".scroll")) return innerWidth < 500 && each.scrollWidth > each.clientWidth + 1;
  if (each.closest(".scroll, .editor, .flow, .feed, .sr, [popover], dialog, pre")) return false;
  return each.getBoundingClientRect().right > each.closest(".cell").getBoundingClientRect().right + 1;
}).map((each) => each.outerHTML.slice(0, 200))
"""
"""What reaches beyond its part of the page, apart from what can be scrolled, and rows that have to be scrolled on a phone."""
STEPS = [
    {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": {"body": "Hi: https://example.com"}},
    {"kind": "wait_for_click", "key": "wait", "timeout": "P3D", "on_click": "done", "on_timeout": "done"},
    {"kind": "end", "key": "done"},
]


@pytest.fixture(scope="module")
async def shown(stack: Settings, chrome: Browser) -> AsyncIterator[tuple[Team, dict[str, str]]]:
    """One organization with one of each thing, and the address of each page by its declared path."""
    async for team in new_team(stack, chrome, viewport=DESKTOP):
        found, left_out = addresses(await everything(team))
        assert set(left_out) <= WITHOUT_AN_ID
        yield team, found


@pytest.mark.parametrize("path", [path for path in page_paths() if path not in WITHOUT_AN_ID and not path.endswith(LETTERS)])
async def test_every_page_at_a_desk_and_on_a_phone_in_the_dark(shown: tuple[Team, dict[str, str]], path: str) -> None:
    team, found = shown
    for look in (team.at_a_desk, team.on_a_phone):
        await look()
        answer = await team.open(found[path])
        assert answer is not None
        assert answer.status == 200
        assert await team.too_wide() == []
        assert await team.page.evaluate(COVERED) == []
        assert await team.page.evaluate(CUT_OFF) == []
        assert await team.violations() == []
    problems = [*team.wrong]
    team.wrong.clear()
    assert problems == []
