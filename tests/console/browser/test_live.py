"""A page with live numbers in a real browser: what happens is seen without a reload, and nothing that somebody does is lost."""

from playwright.async_api import expect

from tests.console.browser.conftest import Team
from tests.console.browser.sent import send_campaign

CLICKS = "[data-live=clicks]"
LIVE = "[data-connection]"


async def test_a_click_is_seen_on_an_open_page(team: Team) -> None:
    sent = await send_campaign(team, "Kari <script>alert(1)</script>")
    await team.open("/")
    await expect(team.page.locator(LIVE)).to_have_text("Live")
    await team.page.evaluate("window.notReloaded = true")
    await expect(team.page.locator(CLICKS)).to_have_text("0")
    await sent.click()
    await expect(team.page.locator(CLICKS)).to_have_text("1")
    await sent.click()
    await expect(team.page.locator(CLICKS)).to_have_text("2")
    assert await team.page.evaluate("window.notReloaded")
