"""Forms that were written to make large pages of few bytes, and drafts that have as much as they may."""

from typing import Any

import pytest

from tests.api.campaign_builders import new_campaign
from tests.api.notifications.test_routes import SLACK
from tests.builders import Caller
from tests.console.conftest import Browser

SMALL = 50_000
"""Bytes of a page that says no."""

HOSTILE = {
    "notifications": {f"triggers[{row}].actions[{each}].kind": "notify" for row in range(44) for each in range(44)},
    "enrollments": {f"triggers[{row}].actions[{each}].kind": "enroll" for row in range(44) for each in range(44)},
    "messages": {f"triggers[{row}].actions[{each}].kind": "send" for row in range(20) for each in range(20)},
    "triggers": {f"triggers[{row}].key": "" for row in range(1_990)},
    "links": {f"message.links[{row}].name": "" for row in range(1_990)},
    "segments": {f"audience.segment_ids[{row}]": "" for row in range(1_990)},
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_more_rows_than_a_campaign_may_have_are_answered_with_a_small_page(browser: Browser, what: str) -> None:
    for do in ("check", "preview", "add-trigger"):
        shown = await browser.send("/campaigns/new", do=do, **HOSTILE[what])
        assert (shown.status, shown.all("h1")) == (422, ["These are too many rows"])
        assert "at most" in shown.text
        assert len(shown.answer.content) < SMALL


async def test_what_is_full_has_no_button_for_more(browser: Browser, api: Caller) -> None:
    trigger: dict[str, Any] = {"key": "hot", "actions": [{"kind": "tag", "tags": ["hot"]}] * 20}
    campaign = await new_campaign(api, triggers=[{**trigger, "key": f"hot_{row}"} for row in range(20)])
    shown = await browser.open(f"/campaigns/{campaign}/edit")
    assert shown.status == 200
    buttons = {each.get("value").partition(":")[0] for each in shown.body.cssselect("button[name=do]")}
    assert "remove-action" in buttons
    assert not buttons & {"add-trigger", "add-action"}


async def test_a_draft_with_more_links_than_a_form_takes_says_so(browser: Browser, api: Caller) -> None:
    links = {f"link_{row}": f"https://www.example.com/{row}" for row in range(31)}
    body = " ".join(f"{{{{ links.{name} }}}}" for name in links)
    send = {"kind": "send", "channel": "simulator-sms", "message": {"body": body, "links": links}}
    campaign = await new_campaign(api, triggers=[{"key": "hot", "actions": [send] * 13}])
    shown = await browser.open(f"/campaigns/{campaign}/edit")
    assert (shown.status, shown.all("h1")) == (422, ["This draft is too large for a form"])


async def test_a_draft_that_has_as_much_as_it_may_has_an_edit_page_of_about_a_megabyte(browser: Browser, api: Caller) -> None:
    for number in range(100):
        made = await api.post("/notification-targets", json={**SLACK, "name": f"Target {number:03}"})
        assert made.status_code == 201, made.text
    actions = [{"kind": "notify", "target": f"Target {number:03}"} for number in range(20)]
    campaign = await new_campaign(api, triggers=[{"key": f"t{row}", "actions": actions} for row in range(20)])
    shown = await browser.open(f"/campaigns/{campaign}/edit")
    assert shown.status == 200
    assert len(shown.answer.content) < 1_100_000
    last = "triggers[19].actions[19].target"
    (button,) = shown.body.cssselect(f'button[value="choices:{last}"]')
    assert button.getparent() is not None
    form = {name: value for name, value in shown.body.cssselect("form#editor")[0].form_values() if name != "form_token"}
    assert (shown.value(last), form[last]) == ("Target 019", "Target 019")
    shown = await browser.send(f"/campaigns/{campaign}/edit", **{**form, "do": f"choices:{last}"})
    assert (shown.status, shown.value(last)) == (200, "Target 019")
    assert len(shown.body.cssselect(f'[name="{last}"] option')) == 101
