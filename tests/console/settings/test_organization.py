"""The settings of an organization: each with what it does, owners only, and kept when they are refused."""

import pytest

from tests.builders import Caller
from tests.console.conftest import Browser, with_role

SWITCHES = {"link_tracking": "on", "link_tracking_metadata": "on"}


async def now(api: Caller) -> dict[str, object]:
    return dict((await api.get("/organization")).json())


async def test_each_switch_says_what_off_changes_and_what_stays(browser: Browser) -> None:
    shown = await browser.open("/settings")
    assert shown.status == 200
    for words in ("Link tracking metadata", "still wake workflows, without place and device", "Never stored", "keep leading on"):
        assert words in shown.text
    assert shown.body.cssselect("#link_tracking_metadata[checked]")


async def test_metadata_is_switched_off_and_on(browser: Browser, api: Caller) -> None:
    answer = await browser.send("/settings/tracking", link_tracking="on")
    assert answer.status == 303
    assert ((await now(api))["link_tracking_metadata"], (await now(api))["link_tracking"]) == (False, True)
    shown = await browser.open("/settings")
    assert "Link tracking metadata is off" in shown.all(".toast")[0]
    assert not shown.body.cssselect("#link_tracking_metadata[checked]")
    await browser.send("/settings/tracking", **SWITCHES)
    assert (await now(api))["link_tracking_metadata"] is True


async def test_a_form_that_changes_nothing_says_so_and_leaves_no_trace(browser: Browser, api: Caller) -> None:
    before = (await api.get("/audit-log")).json()["items"]
    await browser.send("/settings/tracking", **SWITCHES)
    assert (await browser.open("/settings")).all(".toast") == ["Nothing was changed."]
    assert (await api.get("/audit-log")).json()["items"] == before


ORGANIZATION = {"name": "Fjord", "time_zone": "Europe/Oslo", "link_domain": "", "fallback_url": "", "click_retention_days": ""}


async def test_the_organization_is_saved(browser: Browser, api: Caller) -> None:
    fields = {**ORGANIZATION, "fallback_url": "https://fjord.example/", "click_retention_days": "365", "shared_mailboxes": "on"}
    assert (await browser.send("/settings/organization", **fields)).status == 303
    found = await now(api)
    assert (found["name"], found["time_zone"], found["click_retention_days"]) == ("Fjord", "Europe/Oslo", 365)
    assert (found["fallback_url"], found["shared_mailboxes"]) == ("https://fjord.example/", True)
    assert "Times are Europe/Oslo" in (await browser.open("/settings")).text
    assert (await browser.send("/settings/organization", **ORGANIZATION)).status == 303
    assert ((await now(api))["fallback_url"], (await now(api))["click_retention_days"]) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("link_domain", "https://go.elsewhere.example"),
        ("link_domain", "nonsense"),
        ("fallback_url", "javascript:alert(1)"),
        ("click_retention_days", "7"),
        ("click_retention_days", "a year"),
        ("click_retention_days", "99999999999999999999"),
    ],
)
async def test_a_wrong_setting_stands_at_its_field_and_nothing_is_saved(
    browser: Browser, api: Caller, field: str, value: str
) -> None:
    before = await now(api)
    shown = await browser.send("/settings/organization", **{**ORGANIZATION, field: value})
    assert shown.status == 422
    assert [each.get("id") for each in shown.body.cssselect(".fault")] == [f"{field}-fault"]
    assert shown.value(field) == value
    assert shown.value("time_zone") == "Europe/Oslo"
    assert await now(api) == before


async def test_consent_is_saved(browser: Browser, api: Caller) -> None:
    fields = {"consent_sms": "on", "opt_out_scope": "medium", "answers_words": "by_provider"}
    assert (await browser.send("/settings/consent", **fields)).status == 303
    found = await now(api)
    assert (found["consent_required"], found["opt_out_scope"], found["answers_words"]) == (["sms"], "medium", "by_provider")
    assert (await browser.send("/settings/consent", opt_out_scope="nothing", answers_words="by_us")).status == 422


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_others_than_owners_read_and_cannot_change(visitor: Browser, api: Caller, role: str) -> None:
    browser = await with_role(visitor, api, role)
    before = await now(api)
    shown = await browser.open("/settings")
    assert shown.status == 200
    assert len(shown.body.cssselect("main fieldset[disabled]")) == 4
    assert shown.body.cssselect("main form .btn") == []
    assert not {"/console/settings/api-keys", "/console/settings/audit-log"} & set(shown.links(".settings nav a"))
    for path in ("tracking", "organization", "consent"):
        assert (await browser.send(f"/settings/{path}", **ORGANIZATION)).status == 403
    assert await now(api) == before
