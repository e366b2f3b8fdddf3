"""Before a launch: the consequence with its numbers, what stops it, and that twice the same form launches once."""

import pytest

from console.areas.campaigns import launching
from models.consent.suppression import SuppressionReason, add_suppression
from models.database import Database
from models.organizations.organization import Organization
from services import audience_preview
from tests.api.campaign_builders import add_contacts, new_campaign
from tests.builders import Caller
from tests.console.conftest import Browser, with_role

Org = tuple[Organization, str]


async def people(database: Database, organization: Organization, number: int) -> None:
    await add_contacts(database, organization.id, number, tags=["news"])


async def test_the_people_add_up_and_each_reason_says_what_would_change_it(
    browser: Browser, api: Caller, database: Database, organization: Org
) -> None:
    await people(database, organization[0], 3)
    await api.post("/contacts", json={"email": "a@example.com", "tags": ["news"]})
    async with database.transaction() as session:
        await add_suppression(session, organization[0].id, "sms", "+15555550001", SuppressionReason.BOUNCE)
    campaign = await new_campaign(api, audience={"tags": ["news"]})
    shown = await browser.open(f"/campaigns/{campaign}/launch", count="1")
    assert shown.all(".figure") == ["2", "2"]
    assert "of 4 found" in shown.text
    assert sorted(shown.all(".rank.machines td:first-child")[:2]) == [
        "The address is suppressed: bounce",
        "They have no phone number",
    ]
    assert shown.all("form.sheet button.primary") == ["Launch to 2 people"]
    part = await browser.open(f"/campaigns/{campaign}/audience")
    assert (part.all('[data-counted="audience"] .figure'), part.all("nav")) == (["2", "2"], [])
    editor = await browser.open(f"/campaigns/{campaign}/edit")
    (waiting,) = editor.body.cssselect('[data-counted="audience"]')
    assert waiting.get("data-count-from") == f"/console/campaigns/{campaign}/audience"
    assert f"/console/campaigns/{campaign}/launch?count=1" in editor.links('[data-counted="audience"] a')


async def test_the_page_is_there_before_anybody_is_counted(
    browser: Browser, api: Caller, database: Database, organization: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(database, organization[0], 2)
    campaign = await new_campaign(api, audience={"tags": ["news"]})

    async def never(*_: object) -> None:
        raise AssertionError("It was counted.")

    with monkeypatch.context() as patched:
        patched.setattr(launching, "_audience", never)
        shown = await browser.open(f"/campaigns/{campaign}/launch")
    assert (shown.status, shown.all(".figure")) == (200, [])
    (button,) = shown.body.cssselect("form.sheet button.primary")
    assert (button.get("type"), button.get("aria-disabled")) == ("button", "true")
    (counted,) = [each for each in shown.links("main a") if each.endswith("?count=1")]
    assert shown.body.cssselect("form.sheet")[0].get("data-count-from") == counted
    with_count = await browser.open(counted)
    assert with_count.all("form.sheet button.primary") == ["Launch to 2 people"]
    for part in shown.body.cssselect("[data-counted]"):
        assert with_count.body.cssselect(f'[data-counted="{part.get("data-counted")}"]')


async def test_a_launch_leads_to_the_report_and_happens_once(
    browser: Browser, api: Caller, database: Database, organization: Org
) -> None:
    await people(database, organization[0], 1)
    campaign = await new_campaign(api, audience={"tags": ["news"]})
    once = (await browser.open(f"/campaigns/{campaign}/launch")).value("once")
    for _ in range(2):
        shown = await browser.send(f"/campaigns/{campaign}/launch", once=once)
        assert (shown.status, shown.location) == (303, f"/console/campaigns/{campaign}")
    assert (await api.get(f"/campaigns/{campaign}")).json()["state"] == "sending"
    assert (await browser.open(f"/campaigns/{campaign}/launch")).location == f"/console/campaigns/{campaign}"
    assert (await browser.send(f"/campaigns/{campaign}/launch", once="another")).status == 409
    assert "Duplicate" in (await browser.open(f"/campaigns/{campaign}")).all("main .actions button")
    copy = await browser.send(f"/campaigns/{campaign}/duplicate", once="copy")
    assert (await browser.open(copy.location)).value("audience.tags") == "news"


async def test_what_stops_it_is_named_and_its_button_does_nothing(browser: Browser, api: Caller) -> None:
    trigger = {"key": "hot", "link": "nowhere", "actions": [{"kind": "tag", "tags": ["hot"]}]}
    campaign = await new_campaign(api, audience={"tags": ["nobody"]}, triggers=[trigger], link_tracking=False)
    shown = await browser.open(f"/campaigns/{campaign}/launch", count="1")
    assert len(shown.all(".consequence.bad")) >= 2
    assert any("Nobody gets it" in each for each in shown.all(".consequence.bad"))
    assert any("tracking is off" in each for each in shown.all(".consequence.warn"))
    assert shown.body.cssselect("button.primary")[0].get("aria-disabled") == "true"
    shown = await browser.send(f"/campaigns/{campaign}/launch", once="once")
    assert shown.status == 422
    assert (await api.get(f"/campaigns/{campaign}")).json()["state"] == "draft"


async def test_of_many_it_says_at_least(
    browser: Browser, api: Caller, database: Database, organization: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(database, organization[0], 5)
    campaign = await new_campaign(api, audience={"tags": ["news"]})
    monkeypatch.setattr(audience_preview, "PAGE", 2)
    monkeypatch.setattr(audience_preview, "SECONDS", 0.0)
    shown = await browser.open(f"/campaigns/{campaign}/launch", count="1")
    assert shown.all("form.sheet button.primary") == ["Launch to at least 2 people"]
    assert "of 5 found" in shown.text
    assert "too many to look at each" in shown.text


async def test_whoever_sends_may_launch_and_not_edit(
    visitor: Browser, api: Caller, database: Database, organization: Org
) -> None:
    await people(database, organization[0], 1)
    campaign = await new_campaign(api, audience={"tags": ["news"]})
    browser = await with_role(visitor, api, "sender")
    shown = await browser.open(f"/campaigns/{campaign}/edit")
    assert f"/console/campaigns/{campaign}/launch" in shown.links("main .actions a")
    once = (await browser.open(f"/campaigns/{campaign}/launch")).value("once")
    assert (await browser.send(f"/campaigns/{campaign}/launch", once=once)).status == 303


async def test_the_editor_saves_before_it_leads_to_the_launch(browser: Browser, api: Caller) -> None:
    campaign = await new_campaign(api)
    typed = {"name": "Saved first", "channel": "simulator-sms", "message.body": "Hello", "link_tracking": "on"}
    shown = await browser.send(f"/campaigns/{campaign}/edit", **typed, do="launch")
    assert shown.location == f"/console/campaigns/{campaign}/launch"
    assert (await api.get(f"/campaigns/{campaign}")).json()["name"] == "Saved first"
