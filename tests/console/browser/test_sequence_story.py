"""The story of a sequence in a real browser: edited, published, entered, clicked, and seen to move without a reload."""

import re

from playwright.async_api import expect

from tests.console.browser.conftest import Team
from tests.console.browser.sent import Sent, link_of

NODE, PILL = ".flow a.node", ".flow a.pill"
SOON = 60_000
"""Milliseconds for what a workflow has to do first."""


async def test_a_sequence_is_edited_published_entered_and_clicked(team: Team) -> None:
    page = team.page
    await team.post("/contacts", {"first_name": "Kari", "phone": "+15550010001", "email": "kari@example.com"})
    await team.open("/sequences")
    await team.assert_accessible()
    await page.get_by_role("link", name="New sequence").first.click()
    await expect(page.locator("#faults li")).to_have_count(0)

    # A fault stands at its line while somebody types, and goes when it is corrected.
    yaml = page.get_by_label("Definition as YAML")
    text = await yaml.input_value()
    line = next(number for number, each in enumerate(text.split("\n"), 1) if "on_click: over" in each)
    await yaml.fill(text.replace("on_click: over", "on_click: ofer"))
    await expect(page.locator("#faults a").first).to_have_text(f"Line {line}")
    await expect(page.locator(".gutter .is-bad").first).to_have_text(str(line))
    await expect(page.locator("#faults")).to_contain_text("There is no step with the key 'ofer'.")
    await team.assert_accessible()
    await yaml.fill(text)
    await expect(page.locator("#faults li")).to_have_count(0)

    # What is typed in a form shows in the YAML, and the other way round.
    await page.locator('details[data-step="q"] summary').click()
    await page.get_by_label("Name", exact=True).fill("Welcome")
    await expect(yaml).to_have_value(re.compile("^name: Welcome\n"))
    await yaml.fill((await yaml.input_value()).replace("timeout: P3D", "timeout: P5D"))
    await expect(page.locator('details[data-step="wait"] summary')).to_contain_text("5 days")
    await team.assert_accessible()

    await page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Publish Welcome as version 1?")
    await expect(dialog.get_by_role("link", name="Keep it a draft")).to_be_focused()
    await team.assert_accessible()
    await dialog.get_by_role("button", name="Publish version 1").click()
    await expect(page.locator(NODE)).to_have_count(4)

    await page.get_by_role("link", name="Enroll people").click()
    await page.get_by_role("textbox", name="E-mail addresses, phone numbers or external ids").fill("kari@example.com")
    await page.get_by_role("button", name="See what it does").click()
    await expect(page.get_by_text("1 person is found now.")).to_be_visible()
    await team.assert_accessible()
    await page.get_by_role("button", name="Enroll 1 person").click()
    await expect(page.get_by_text("1 person enrolled.")).to_be_visible()

    await page.get_by_role("link", name="Flow").first.click()
    await page.evaluate("window.notReloaded = true")
    await expect(page.locator(NODE).nth(1)).to_have_attribute("aria-label", re.compile("1 person waiting"), timeout=SOON)
    await expect(page.locator("[data-live=due]")).to_contain_text("Kari")
    await team.assert_accessible()
    await Sent("", [], [await link_of(team, "+15550010001")]).click()
    await expect(page.locator(f"{PILL}.clicked")).to_have_attribute(
        "aria-label", "1 person clicked from wait to over", timeout=SOON
    )
    await expect(page.locator(NODE).nth(2)).to_have_attribute("aria-label", re.compile("1 person through"), timeout=SOON)
    await expect(page.locator(NODE).nth(1)).to_have_attribute("aria-label", re.compile("0 people waiting"), timeout=SOON)
    assert await page.evaluate("window.notReloaded")

    await page.locator(NODE).nth(2).click()
    await page.get_by_role("link", name="Kari").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Kari in Welcome")
    await team.assert_accessible()


async def test_the_editor_works_on_a_phone_in_the_dark(phone: Team) -> None:
    page = phone.page
    await phone.open("/sequences/new")
    await page.locator('details[data-step="wait"] summary').click()
    await page.get_by_label("At most", exact=True).fill("2")
    await page.locator('details[data-step="wait"]').get_by_role("button", name="Apply").click()
    await expect(page.get_by_label("Definition as YAML")).to_have_value(re.compile("timeout: P2D"))
    await expect(page.locator('details[data-step="wait"]')).to_have_attribute("open", "")
    await phone.assert_accessible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
