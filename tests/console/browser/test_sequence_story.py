"""The story of a sequence in a real browser: edited, published, entered, clicked, and seen to move without a reload."""

import asyncio
from pathlib import Path

from playwright.async_api import expect

from tests.console.browser.conftest import Team

LOOK = Path("/tmp/seq_shots")
SMS = "simulator-sms"


def send(key, body="Hello {{ links.guide }}", **more):
    links = {"links": {"guide": "https://www.example.com/guide"}} if "guide" in body else {}
    return {"kind": "send", "key": key, "channel": SMS, "message": {"body": body, **links}, **more}


def click(key, on_click, on_timeout, **more):
    return {"kind": "wait_for_click", "key": key, "timeout": "P3D", "on_click": on_click, "on_timeout": on_timeout, **more}


STEPS = [
    send("hello"),
    click("wait_guide", "thanks", "reminder"),
    send("thanks", "Thanks"),
    {"kind": "wait", "key": "rest", "duration": "P2D", "next": "offer"},
    send("reminder"),
    click("wait_again", "offer", "quiet"),
    send("offer"),
    click("wait_offer", "engaged", "again"),
    {"kind": "wait", "key": "again", "duration": "P2D", "next": "reminder"},
    {"kind": "end", "key": "engaged", "outcome": "engaged"},
    {"kind": "end", "key": "quiet", "outcome": "quiet"},
]


async def test_look(team: Team) -> None:
    LOOK.mkdir(exist_ok=True)
    page = team.page
    sequence = (await team.post("/sequences", {"name": "Welcome", "steps": STEPS}))["id"]
    await team.post(f"/sequences/{sequence}/publish")
    people = [(await team.post("/contacts", {"first_name": f"Ada {n}", "phone": f"+1555010{n:04}"}))["id"] for n in range(12)]
    await team.post(f"/sequences/{sequence}/enrollments", {"contact_ids": people})
    await asyncio.sleep(6)
    for name in ("", "/people", "/definition", "/enroll", "/edit"):
        await team.open(f"/sequences/{sequence}{name}")
        await page.screenshot(path=LOOK / f"{name.strip('/') or 'flow'}.png", full_page=True)
        await team.assert_accessible()
    await page.emulate_media(color_scheme="dark")
    await team.open(f"/sequences/{sequence}")
    await page.screenshot(path=LOOK / "flow-dark.png", full_page=True)
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 390, "height": 844})
    for name in ("", "/edit", "/people"):
        await team.open(f"/sequences/{sequence}{name}")
        await page.screenshot(path=LOOK / f"{name.strip('/') or 'flow'}-phone.png", full_page=True)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    enrollment = (await team.get("/enrollments"))["items"][0]["id"]
    await page.set_viewport_size({"width": 1440, "height": 900})
    await team.open(f"/enrollments/{enrollment}")
    await page.screenshot(path=LOOK / "enrollment.png")
    await team.assert_accessible()
    await team.open("/sequences")
    await page.screenshot(path=LOOK / "list.png")
    await team.assert_accessible()
