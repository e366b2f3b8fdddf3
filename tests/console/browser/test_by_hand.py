"""What somebody at the mouse and the keyboard expects of every console: forms that go, questions before typing is lost."""

from playwright.async_api import Dialog, expect

from tests.console.browser.conftest import Team

SUBMITTED = "document.querySelector('form[data-unsaved]').dispatchEvent(new Event('submit', {bubbles: true}))"


async def test_a_channel_is_made_by_its_button_and_the_toast_is_closed(team: Team) -> None:
    await team.open("/settings/channels/new?kind=simulator&medium=email")
    await team.page.get_by_label("Name", exact=True).fill("trial")
    await team.page.get_by_role("button", name="Add channel").click()
    await expect(team.page.get_by_role("heading", name="trial")).to_be_visible()
    toast = team.page.locator(".toast")
    await expect(toast).to_contain_text("Saved.")
    await team.assert_accessible()
    await toast.get_by_role("button", name="Close").click()
    await expect(toast).to_have_count(0)


async def test_a_toast_leaves_but_not_from_under_the_mouse(team: Team) -> None:
    await team.page.clock.install()
    await team.open("/settings")
    await team.page.get_by_role("button", name="Save tracking").click()
    toast = team.page.locator(".toast")
    await toast.hover()
    await team.page.clock.fast_forward(60_000)
    await expect(toast).to_be_visible()
    await team.page.mouse.move(5, 5)
    await team.page.clock.fast_forward(60_000)
    await expect(toast).to_have_count(0)


async def test_editors_ask_before_typing_is_lost(team: Team) -> None:
    asked = list[str]()

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    team.page.on("dialog", stay)
    for path, field in (("/campaigns/new", "#name"), ("/sequences/new", "#yaml"), ("/segments/new", "#name")):
        await team.open(path)
        await team.page.locator(field).press_sequentially("x")
        async with team.page.expect_event("dialog"):
            await team.page.get_by_role("link", name="Health", exact=True).first.click(no_wait_after=True)
        await expect(team.page).to_have_url(f"{team.address}/console{path}")
        await team.page.evaluate(SUBMITTED)
    assert asked == ["beforeunload"] * 3


async def test_a_filter_has_a_title_and_a_close_button_and_takes_the_focus(team: Team) -> None:
    await team.open("/clicks")
    await team.page.get_by_role("button", name="Filter").click()
    popover = team.page.get_by_role("dialog", name="Filter clicks")
    await expect(popover.get_by_label("From")).to_be_focused()
    await team.assert_accessible()
    await popover.get_by_role("button", name="Close").click()
    await expect(popover).to_be_hidden()
    await team.page.get_by_role("button", name="Filter").click()
    await popover.get_by_label("Country").select_option("Norway")
    await popover.get_by_role("button", name="Show").click()
    await expect(team.page.get_by_role("group", name="Filters")).to_contain_text("Norway")
