"""Somebody builds a sequence by forms alone: at a desk with the script, and on a phone without JavaScript."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from settings import Settings
from tests.console.browser.conftest import PHONE, Team, new_team


@pytest.fixture
async def plain(stack: Settings, chrome: Browser) -> AsyncIterator[Team]:
    """A phone in the dark whose browser runs no script."""
    look = {"viewport": PHONE, "color_scheme": "dark", "has_touch": True, "java_script_enabled": False}
    async for each in new_team(stack, chrome, **look):
        yield each


def form_of(page: Page, step: str) -> Locator:
    return page.locator(f'details[data-step="{step}"]')


async def opened(page: Page, step: str) -> Locator:
    form = form_of(page, step)
    if await form.get_attribute("open") is None:
        await form.locator("summary").first.click()
    return form


async def apply(form: Locator) -> None:
    await form.get_by_role("button", name="Apply").click()
    await expect(form.page.get_by_role("heading", level=1)).to_be_visible()


async def build(page: Page) -> None:
    """Five steps and a trigger, from what a new sequence begins with: a message, a wait for a click, and two ends."""
    form = await opened(page, "q")
    await form.get_by_label("Name", exact=True).fill("Spring")
    await apply(form)

    form = await opened(page, "new")
    await form.get_by_label("What it does").select_option("send")
    await form.get_by_role("button", name="Add").click()
    form = await opened(page, "send")
    await form.get_by_label("Key").fill("thanks")
    await form.get_by_label("Text", exact=True).fill("Thank you, {{ contact.first_name }}")
    await form.get_by_label("Then go to").select_option("over")
    await apply(form)

    form = await opened(page, "wait")
    await form.get_by_label("A click on the link").select_option("guide")
    await form.get_by_label("At most", exact=True).fill("2")
    await form.get_by_label("Unit of: At most").select_option("weeks")
    await form.get_by_label("After a click, go to").select_option("thanks")
    await form.get_by_label("Without one, go to").select_option("quiet")
    await apply(form)

    form = await opened(page, "hello")
    await form.get_by_role("button", name="Trigger", exact=True).click()
    await form.get_by_label("Link", exact=True).select_option("guide")
    await form.get_by_label("Tags, with commas between them").fill("hot, spring")
    await form.get_by_label("Kind of the next action").select_option("go_to")
    await form.get_by_role("button", name="Action", exact=True).click()
    await form.get_by_label("Step", exact=True).select_option("thanks")
    await apply(form)


async def publish(team: Team) -> None:
    page = team.page
    await page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Publish Spring as version 1?")
    await dialog.get_by_role("button", name="Publish version 1").click()
    await expect(page.get_by_text("Published as version 1.")).to_be_visible()
    (found,) = (await team.get("/sequences"))["items"]
    sequence = await team.get(f"/sequences/{found['id']}")
    assert (sequence["name"], sequence["version"]) == ("Spring", 1)
    steps = {each["key"]: each for each in sequence["steps"]}
    assert list(steps) == ["hello", "wait", "thanks", "over", "quiet"]
    wait = {name: steps["wait"][name] for name in ("link", "timeout", "on_click", "on_timeout")}
    assert wait == {"link": "guide", "timeout": "P14D", "on_click": "thanks", "on_timeout": "quiet"}
    assert steps["thanks"]["next"] == "over"
    (trigger,) = steps["hello"]["triggers"]
    assert (trigger["key"], trigger["link"]) == ("trigger_1", "guide")
    does = [(each["kind"], each.get("tags") or each.get("step")) for each in trigger["actions"]]
    assert does == [("tag", ["hot", "spring"]), ("go_to", "thanks")]


async def test_five_steps_and_a_trigger_are_built_by_forms_alone(team: Team) -> None:
    await team.open("/sequences/new")
    await build(team.page)
    await expect(team.page.locator("#faults li")).to_have_count(0)
    for look in (team.at_a_desk, team.on_a_phone):
        await look()
        for step in ("q", "wait"):
            await opened(team.page, step)
        await team.assert_accessible()
        assert await team.too_wide() == []
    await publish(team)


async def test_the_same_without_javascript_on_a_phone(plain: Team) -> None:
    await plain.open("/sequences/new")
    await build(plain.page)
    await publish(plain)


async def test_choices_and_names_follow_while_somebody_types(team: Team) -> None:
    page = team.page
    await team.open("/sequences/new")
    yaml = page.get_by_label("Definition as YAML")
    form = await opened(page, "hello")
    await form.get_by_label("Links").fill("guide: https://www.example.com/guide\nshop: https://www.example.com/shop")
    await form.get_by_label("Text", exact=True).fill("Look: {{ links.guide }} {{ links.shop }}")
    await expect(form_of(page, "wait").get_by_label("A click on the link").locator("option")).to_contain_text(
        ["Any link of the message before", "guide, in hello", "shop, in hello"]
    )
    # The key of a step that another one names is emptied, and typed with a pause: the other one follows to the whole key.
    await opened(page, "over")
    key = page.locator('[name="s2.key"]')
    await key.fill("")
    await expect(page.locator("#faults")).to_contain_text("steps[2].key: This field is required.")
    await key.press_sequentially("do")
    await expect(yaml).to_have_value(re.compile("on_click: do\n"))
    await key.press_sequentially("ne")
    await expect(yaml).to_have_value(re.compile("on_click: done\n"))
    await expect(key).to_be_focused()
    await expect(page.locator("#faults li")).to_have_count(0)
    # What is wrong in the step that is open is said in it, and goes when it is corrected.
    form = await opened(page, "wait")
    await form.get_by_label("At most", exact=True).fill("soon")
    await expect(form.locator(".fault")).to_contain_text("Write a number, such as 3")
    await form.get_by_label("At most", exact=True).fill("3")
    await expect(form.locator(".fault")).to_have_count(0)
    await expect(form.get_by_label("At most", exact=True)).to_be_focused()
    await expect(form.locator("summary")).to_contain_text("3 days")


async def test_comments_are_not_lost_before_somebody_says_so(team: Team) -> None:
    page = team.page
    await team.open("/sequences/new")
    yaml = page.get_by_label("Definition as YAML")
    await yaml.fill("# ask Kari\n" + await yaml.input_value())
    form = await opened(page, "wait")
    await form.get_by_label("At most", exact=True).fill("4")
    await expect(yaml).to_have_value(re.compile("^# ask Kari\n(.|\n)*timeout: P4D"))
    await page.get_by_role("button", name="Save the draft").click()
    dialog = page.get_by_role("dialog", name="Save without its comment?")
    await expect(dialog).to_contain_text("# ask Kari")
    await team.assert_accessible()
    await dialog.get_by_role("button", name="Go on editing").click()
    await expect(dialog).to_be_hidden()
    await expect(yaml).to_have_value(re.compile("^# ask Kari\n(.|\n)*timeout: P4D"))
    await page.get_by_role("button", name="Save the draft").click()
    await dialog.get_by_role("button", name="Save without it").click()
    await expect(page.get_by_text("The draft is saved.")).to_be_visible()
    await expect(yaml).to_have_value(re.compile("^name: "))


async def test_two_tabs_do_not_overwrite_each_other(team: Team) -> None:
    await team.open("/sequences/new")
    await team.page.get_by_role("button", name="Save the draft").click()
    await expect(team.page.get_by_text("The draft is saved.")).to_be_visible()
    other = await team.new_page()
    await other.goto(team.page.url)
    for page, days in ((team.page, "5"), (other, "6")):
        form = await opened(page, "wait")
        await form.get_by_label("At most", exact=True).fill(days)
        await page.get_by_role("button", name="Save the draft").click()
        await expect(page.locator("[role=alert], .toast, [role=status]").first).to_be_attached()
    await expect(other.get_by_role("alert")).to_be_visible()
    await expect(other.get_by_label("At most", exact=True)).to_have_value("6")
    (found,) = (await team.get("/sequences"))["items"]
    sequence = await team.get(f"/sequences/{found['id']}")
    assert sequence["steps"][1]["timeout"] == "P5D"
