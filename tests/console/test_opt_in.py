"""Whether marketing needs an opt-in is a setting: the pages on which it is written say what holds for this organization."""

import pytest

from tests.api.campaign_builders import new_campaign
from tests.builders import Caller
from tests.console.conftest import Browser


@pytest.mark.parametrize(
    ("required", "words"), [([], "to everybody who has not opted out"), (["sms", "email"], "only to people who have opted in")]
)
async def test_editors_and_the_launch_say_who_gets_marketing(
    browser: Browser, api: Caller, required: list[str], words: str
) -> None:
    assert (await api.patch("/organization", json={"consent_required": required})).status_code == 200
    campaign = await new_campaign(api)
    for path in ("/campaigns/new", "/sequences/new", f"/campaigns/{campaign}/edit", f"/campaigns/{campaign}/launch"):
        shown = await browser.open(path)
        assert words in shown.text, path
        assert "needs consent" not in shown.text
        assert "/console/settings" in shown.links("main a") or path == "/sequences/new", path


async def test_an_editor_shows_what_holds_for_each_medium(browser: Browser, api: Caller) -> None:
    await api.patch("/organization", json={"consent_required": ["email"]})
    shown = await browser.open("/campaigns/new")
    assert "only to people who have opted in" in shown.all("[data-opt-in][data-medium=email]")[0]
    assert "to everybody who has not opted out" in shown.all("[data-opt-in][data-medium=sms]")[0]
