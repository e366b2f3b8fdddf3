"""The flow of a sequence on a phone."""

from playwright.async_api import expect

from tests.console.browser.conftest import Team

FADES = "(flow) => ['--fade-start', '--fade-end'].map((name) => parseFloat(getComputedStyle(flow).getPropertyValue(name)) > 0)"


async def test_a_flow_that_is_wider_than_the_screen_fades_where_it_goes_on(phone: Team) -> None:
    page = phone.page
    steps = [{"kind": "send", "key": "hello", "channel": "simulator-sms", "message": {"body": "Hi: https://example.com"}}]
    steps += [{"kind": "wait_for_click", "key": "wait", "timeout": "P3D", "on_click": "yes", "on_timeout": "no"}]
    steps += [{"kind": "end", "key": key} for key in ("yes", "no")]
    sequence = await phone.post("/sequences", {"name": "Wide", "steps": steps})
    await phone.post(f"/sequences/{sequence['id']}/publish")
    await phone.open(f"/sequences/{sequence['id']}")
    flow = page.locator(".flow")
    assert await flow.evaluate("(flow) => flow.scrollWidth > flow.clientWidth")
    assert await flow.evaluate(FADES) == [False, True]
    await flow.evaluate("(flow) => flow.scrollTo(flow.scrollWidth, 0)")
    await expect(flow).to_have_js_property("scrollLeft", await flow.evaluate("(flow) => flow.scrollWidth - flow.clientWidth"))
    assert await flow.evaluate(FADES) == [True, False]
    await phone.at_a_desk()
    await page.reload()
    assert await flow.evaluate(FADES) == [False, False]
