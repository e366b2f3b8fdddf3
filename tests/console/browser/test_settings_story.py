"""The story of the settings: metadata is switched off, the next click has no place, and it is switched on again."""

from playwright.async_api import Page, expect

from tests.console.browser.conftest import Team
from tests.console.browser.sent import Sent, send_campaign

SWITCH = "Link tracking metadata"


async def switch(page: Page, on: bool) -> None:
    await page.get_by_role("link", name="Settings", exact=True).first.click()
    await page.get_by_role("switch", name=SWITCH).set_checked(on)
    await page.get_by_role("button", name="Save tracking").click()
    await expect(page.locator(".toast")).to_contain_text(f"{SWITCH} is {'on' if on else 'off'}")


async def clicked(team: Team, sent: Sent, number: int) -> Page:
    """The conversation of somebody who clicks while it is open."""
    await team.open(f"/contacts/{sent.contacts[number]}")
    await expect(team.page.locator(".live")).to_have_attribute("data-state", "on")
    await sent.click(number)
    await expect(team.page.locator(".thread .click.person")).to_have_count(1)
    return team.page


async def test_metadata_is_switched_off_and_on_again(team: Team) -> None:
    sent = await send_campaign(team, "Ada", "Ben", "Cy")
    page = await clicked(team, sent, 0)
    await expect(page.locator(".click.person")).to_contain_text("Phone")
    await switch(page, on=False)
    assert (await team.get("/organization"))["link_tracking_metadata"] is False
    page = await clicked(team, sent, 1)
    await expect(page.locator(".click.person")).to_contain_text("Place and device not collected")
    await expect(page.locator(".click.person")).not_to_contain_text("Phone")
    await team.open(f"/campaigns/{sent.campaign_id}")
    await expect(page.get_by_role("main")).to_contain_text("Not known")
    await switch(page, on=True)
    page = await clicked(team, sent, 2)
    await expect(page.locator(".click.person")).to_contain_text("Phone")


async def test_switches_are_reached_by_keyboard(team: Team) -> None:
    await team.open("/settings")
    metadata = team.page.get_by_role("switch", name=SWITCH)
    await metadata.focus()
    await team.page.keyboard.press("Space")
    await expect(metadata).not_to_be_checked()
    await team.page.keyboard.press("Tab")
    await expect(team.page.get_by_role("button", name="Save tracking")).to_be_focused()
    await team.page.keyboard.press("Enter")
    await expect(team.page.locator(".toast")).to_contain_text("is off")


async def test_the_text_of_a_new_key_can_be_copied(team: Team) -> None:
    await team.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await team.open("/settings/api-keys")
    await team.page.get_by_label("Who uses it?").fill("Shop")
    await team.page.get_by_role("button", name="Make key").click()
    key = await team.page.get_by_label("Text of the key").input_value()
    await team.page.get_by_role("button", name="Copy").click()
    await expect(team.page.get_by_role("button", name="Copied")).to_be_visible()
    assert await team.page.evaluate("navigator.clipboard.readText()") == key
    await team.page.get_by_role("button", name="Revoke…").click()
    await expect(team.page.get_by_role("button", name="Keep it")).to_be_focused()
