"""The story of a campaign, as somebody lives it in front of the console: written, launched, clicked, followed up."""

from contextlib import suppress

from playwright.async_api import Browser, Error, Page, expect

from demo.people import BROWSERS
from tests.console.browser.conftest import PATIENCE, Team
from tests.console.browser.sent import link_of

PHONE = "+15555550170"


async def test_a_campaign_from_its_first_word_to_its_follow_up(team: Team, chrome: Browser) -> None:
    contact = (await team.post("/contacts", {"first_name": "Ada", "phone": PHONE, "tags": ["news"]}))["id"]
    page = team.page
    await team.open("/campaigns")
    await page.get_by_role("link", name="Write the first one").click()
    await _write(page)
    await page.get_by_role("button", name="Save and launch…").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Launch Spring?")
    await team.assert_accessible()
    await page.get_by_role("button", name="Launch to 1 person").click()
    await expect(page.get_by_role("status").get_by_text("Launched.")).to_be_visible()
    await expect(page.locator("[data-connection]").first).to_have_text("Live")
    conversation = await team.new_page()
    await conversation.goto(f"{team.address}/console/contacts/{contact}")
    link = await link_of(team, PHONE)
    await expect(conversation.locator("[data-live=timeline]")).to_contain_text("Hello Ada")
    for each in (page, conversation):
        await each.evaluate("window.notReloaded = true")

    await _click(chrome, link)

    await expect(page.locator("[data-live=people]")).to_have_text("1")
    await expect(page.locator("[data-live=funnel]")).to_contain_text("100.0% of sent")
    timeline = conversation.locator("[data-live=timeline]")
    await expect(timeline.locator(".click.person")).to_have_count(1)
    await expect(timeline).to_contain_text("Thank you, Ada")
    await expect(page.locator("[data-live=follow-up]")).to_contain_text("1 time, 1 person")
    for each in (page, conversation):
        assert await each.evaluate("window.notReloaded")
    assert set((await team.get(f"/contacts/{contact}"))["tags"]) == {"hot", "news"}


async def _write(page: Page) -> None:
    """Types the campaign, its link, its audience and its follow-up, and looks at the preview on the way."""
    await page.get_by_label("Name", exact=True).fill("Spring")
    await page.get_by_label("Channel", exact=True).select_option("simulator-sms")
    await page.get_by_label("Text", exact=True).fill("Hello {{ contact.first_name }}: {{ links.offer }}")
    await page.get_by_role("button", name="Link", exact=True).click()
    await page.get_by_label("Name of link 1").fill("offer")
    await page.get_by_label("Address of link 1").fill("https://www.example.com/offer")
    await page.get_by_label("as", exact=True).select_option(label="Ada")
    await expect(page.locator("[data-preview-into]")).to_contain_text("Hello Ada: http")
    await expect(page.locator(".meterline")).to_contain_text("1 segment")
    await page.get_by_label("Tags, with commas between them").fill("news")
    await page.get_by_role("button", name="Trigger", exact=True).click()
    await page.get_by_label("Link", exact=True).select_option("offer")
    await page.locator("[id='triggers[0].actions[0].tags']").fill("hot")
    await page.get_by_label("Kind of the next action").select_option("send")
    await page.get_by_role("button", name="Action", exact=True).click()
    await page.locator("[id='triggers[0].actions[1].channel']").select_option("simulator-sms")
    await page.locator("[id='triggers[0].actions[1].message.body']").fill("Thank you, {{ contact.first_name }}")


async def _click(chrome: Browser, link: str) -> None:
    """Somebody opens the link in a browser of their own, and is sent on to a page that these tests cannot reach."""
    context = await chrome.new_context(user_agent=BROWSERS[0][0])
    second = await context.new_page()
    async with second.expect_response(link, timeout=PATIENCE) as answered:
        with suppress(Error):
            await second.goto(link)
    answer = await answered.value
    assert (answer.status, await answer.header_value("location")) == (302, "https://www.example.com/offer")
    await context.close()
