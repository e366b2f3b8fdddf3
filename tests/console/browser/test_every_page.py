"""Every page in a real browser: nothing breaks the policy, nothing is inaccessible, nothing is wider than a phone."""

from playwright.async_api import expect

from tests.console.browser.conftest import Team


async def test_the_overview_of_a_new_organization(team: Team) -> None:
    await expect(team.page.get_by_role("heading", level=1)).to_have_text("Overview")
    await team.assert_accessible()


async def test_the_overview_on_a_phone_in_the_dark(phone: Team) -> None:
    await expect(phone.page.get_by_role("heading", level=1)).to_have_text("Overview")
    await phone.assert_accessible()
    assert await phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
