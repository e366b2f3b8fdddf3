"""The list, the editor and the launch in a real browser: what follows the typing, how they look, and who can use them."""

from playwright.async_api import expect

from tests.api.campaign_builders import OFFER
from tests.console.browser.conftest import Shots, Team

TEXT = "Hello {{ contact.first_name }}, the winter boot is back: {{ links.boot }}"
HTML = (
    "<style>h1 { color: rgb(0, 119, 85) }</style><h1>Boots</h1><script>document.title = 'x'</script><p>{{ unsubscribe_url }}</p>"
)


async def a_draft(team: Team) -> str:
    """With an audience of twelve of whom one has no phone, and with every kind of action but a notification."""
    for number in range(11):
        await team.post("/contacts", {"phone": f"+1555555{number:04}", "first_name": f"Person {number}", "tags": ["news"]})
    await team.post("/contacts", {"email": "no.phone@example.com", "tags": ["news"]})
    segment = await team.post("/segments", {"name": "<b>News</b>", "definition": {"kind": "tags", "tags": ["news"]}})
    send = {"kind": "send", "channel": "simulator-sms", "message": OFFER}
    sequence = await team.post("/sequences", {"name": "Boot care", "steps": [{**send, "key": "hello"}]})
    await team.post(f"/sequences/{sequence['id']}/publish")
    actions = [
        {"kind": "tag", "tags": ["hot"]},
        {"kind": "untag", "tags": ["cold"]},
        {"kind": "enroll", "sequence_id": sequence["id"], "variables": {"offer": "boots"}},
        {"kind": "set_field", "field": "properties.interest", "value": "boots"},
        send,
    ]
    draft = {
        "name": "Winter boots are back",
        "channel": "simulator-sms",
        "message": {"body": TEXT, "links": {"boot": "https://www.example.com/boots"}},
        "audience": {"tags": ["news"], "segment_ids": [segment["id"]], "exclude_tags": ["staff"]},
        "triggers": [{"key": "wants_boot", "link": "boot", "within": "P14D", "actions": actions}],
    }
    return str((await team.post("/campaigns", draft))["id"])


async def test_the_preview_follows_the_typing_and_the_channel(team: Team, shots: Shots) -> None:
    campaign, page = await a_draft(team), team.page
    await team.open(f"/campaigns/{campaign}/edit")
    await expect(page.locator("[data-counted=audience] .figure").first).to_have_text("11")
    await expect(page.locator(".bubble")).to_contain_text("Hello Ada")
    await shots.take(page, "edit")
    await team.assert_accessible()
    await page.locator("[id='message.body']").fill("Hello\N{SNOWMAN} {{ links.boot }}")
    await expect(page.locator(".meterline")).to_contain_text("UCS-2")
    await page.get_by_label("Channel", exact=True).first.select_option("simulator-email")
    await page.locator("[id='message.subject']").fill("The winter boot")
    await page.locator("[id='message.html']").fill(HTML)
    await expect(page.locator("[data-preview-into]")).to_contain_text("The winter boot")
    title = page.frame_locator("iframe.letter").locator("h1")
    await expect(title).to_have_css("color", "rgb(0, 119, 85)")
    await page.get_by_label("Channel", exact=True).first.select_option("simulator-sms")
    await expect(page.locator("[id='message.subject']")).to_be_hidden()
    # The policy of the letter keeps its script from running, and the browser says so.
    assert [each for each in team.wrong if "sandboxed" not in each] == []
    team.wrong.clear()


async def test_without_javascript_the_form_does_the_same(team: Team) -> None:
    campaign = await a_draft(team)
    assert team.context.browser is not None
    state = await team.context.storage_state()
    plain = await team.context.browser.new_context(java_script_enabled=False, storage_state=state)
    page = await plain.new_page()
    await page.goto(f"{team.address}/console/campaigns/{campaign}/edit")
    await page.locator("[id='message.body']").fill("Changed: {{ links.boot }}")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator(".bubble")).to_contain_text("Changed: http")
    await page.get_by_role("button", name="Remove action 1").click()
    await page.get_by_role("button", name="Save draft").click()
    saved = await team.get(f"/campaigns/{campaign}")
    assert saved["message"]["body"] == "Changed: {{ links.boot }}"
    assert [each["kind"] for each in saved["triggers"][0]["actions"]] == ["untag", "enroll", "set_field", "send"]
    await plain.close()


async def test_the_pages_before_and_after_a_launch(team: Team, shots: Shots) -> None:
    await team.open("/campaigns")
    await expect(team.page.get_by_role("heading", level=2)).to_have_text("No campaign yet")
    await team.assert_accessible()
    campaign = await a_draft(team)
    await team.open(f"/campaigns/{campaign}/launch")
    await expect(team.page.get_by_role("button", name="Launch to 11 people")).to_be_visible()
    await shots.take(team.page, "launch")
    await team.assert_accessible()
    await team.post("/campaigns", {"name": "<script>alert(1)</script>", "channel": "simulator-sms", "message": OFFER})
    await team.post(f"/campaigns/{campaign}/launch")
    await team.open("/campaigns")
    for choice in await team.page.locator("tbody input").all():
        await choice.check()
    await shots.take(team.page, "list")
    await team.assert_accessible()
    await team.page.get_by_role("button", name="Compare").click()
    await expect(team.page.get_by_role("heading", level=1)).to_have_text("2 campaigns side by side")
    await shots.take(team.page, "compare")
    await team.assert_accessible()


async def test_the_same_on_a_phone_in_the_dark(phone: Team, shots: Shots) -> None:
    campaign = await a_draft(phone)
    for name in ("", "/new", f"/{campaign}/edit", f"/{campaign}/launch"):
        await phone.open(f"/campaigns{name}")
        await shots.take(phone.page, f"phone{name.replace('/', '-')}")
        await phone.assert_accessible()
        assert await phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
