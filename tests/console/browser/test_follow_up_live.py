"""What follows from a click is seen on an open report without a reload, also where no event tells of it."""

from playwright.async_api import expect

from tests.console.browser.conftest import Team
from tests.console.browser.sent import send_campaign

THANKS = {"kind": "send", "channel": "simulator-sms", "message": {"body": "Thank you"}}
HOT = {"key": "hot", "link": "offer", "actions": [{"kind": "tag", "tags": ["hot"]}, THANKS]}
LATE = 30_000
"""Milliseconds within which a busy machine has counted it and the page was read again."""
TEXT = "main => main.innerText.replace(/\\s+/g, ' ')"


async def test_a_follow_up_is_counted_on_the_open_report_as_on_one_that_is_reloaded(team: Team) -> None:
    sent = await send_campaign(team, "Kari", triggers=[HOT])
    await team.open(f"/campaigns/{sent.campaign_id}")
    await expect(team.page.locator("[data-connection]")).to_have_text("Live")
    await team.page.evaluate("window.notReloaded = true")
    await sent.click()
    followed_up = team.page.locator(".funnel li").last
    await expect(followed_up.locator(".figure a")).to_have_text("1", timeout=LATE)
    await expect(team.page.locator("[data-live='clicks:sub']")).to_have_text("1.0 for each of them")
    await expect(team.page.locator("[data-live=follow-up]")).to_contain_text("1 time, 1 person", timeout=LATE)
    assert await team.page.evaluate("window.notReloaded")
    live = await team.page.locator("main").evaluate(TEXT)
    await team.page.reload()
    await expect(team.page.locator("[data-connection]")).to_have_text("Live")
    assert await team.page.locator("main").evaluate(TEXT) == live
