"""Channels: a form for every kind, secrets that are written and never shown, tests, checks, pausing and archiving."""

from typing import Any

import pytest

from console.areas.settings.channel_fields import Shape, settings_of
from models.channels.channel import ChannelKind, Medium
from services.channels.registry import CHANNEL_TYPES
from tests.builders import Caller
from tests.console.conftest import Browser, with_role

SMTP = {
    "kind": "smtp",
    "medium": "email",
    "name": "mail",
    "config.host": "93.184.216.34",
    "config.security": "starttls",
    "config.from_address": "hello@example.com",
    "config.user": "shop",
    "config.password": "secret-word",
    "config.connections": "4",
}


async def by_name(api: Caller, name: str) -> dict[str, Any]:
    items = (await api.get("/channels")).json()["items"]
    return next(dict(each) for each in items if each["name"] == name)


@pytest.mark.parametrize("kind", list(ChannelKind))
def test_every_setting_of_every_kind_has_a_field(kind: ChannelKind) -> None:
    medium = sorted(CHANNEL_TYPES[kind].media)[0]
    keys = {each.key for each in settings_of(kind, medium) if not each.key.startswith("pace.")}
    assert keys | {"pace"} == set(CHANNEL_TYPES[kind].config.model_fields)


def test_shapes_follow_from_types() -> None:
    shapes = {each.key: each.shape for each in settings_of(ChannelKind.SMTP, Medium.EMAIL)}
    assert (shapes["password"], shapes["port"], shapes["security"]) == (Shape.SECRET, Shape.NUMBER, Shape.CHOICE)
    assert (shapes["inline_css"], shapes["host"]) == (Shape.SWITCH, Shape.TEXT)
    assert {each.key: each.shape for each in settings_of(ChannelKind.HTTP, Medium.SMS)}["answer"] == Shape.JSON


@pytest.mark.parametrize("kind", list(ChannelKind))
async def test_every_kind_has_a_form(browser: Browser, kind: ChannelKind) -> None:
    shown = await browser.open("/settings/channels/new", kind=kind.value)
    assert (shown.status, len(shown.body.cssselect("#name"))) == (200, 1)
    assert (await browser.open("/settings/channels/new")).status == 200
    assert (await browser.open("/settings/channels/new", kind=kind.value, medium="fax")).status == 404


async def test_a_channel_is_made_and_its_secret_never_shown(browser: Browser, api: Caller) -> None:
    made = await browser.send("/settings/channels/new", **SMTP)
    assert made.status == 303, made.text
    channel = await by_name(api, "mail")
    assert (channel["config"]["host"], channel["secrets"]) == ("93.184.216.34", ["password"])
    for path in (made.location, f"{made.location}/edit"):
        shown = await browser.open(path)
        assert (shown.status, "secret-word" in shown.answer.text) == (200, False)


async def test_a_change_sends_what_was_changed_and_keeps_secrets(browser: Browser, api: Caller) -> None:
    made = await browser.send("/settings/channels/new", **SMTP)
    form = await browser.open(f"{made.location}/edit")
    typed = {
        each.name: form.value(each.name) for each in settings_of(ChannelKind.SMTP, Medium.EMAIL) if each.shape != Shape.SWITCH
    }
    typed |= {"config.from_name": "Shop", "config.pace.per_second": "2.5", "config.inline_css": "on"}
    assert (await browser.send(f"{made.location}/edit", **typed)).status == 303
    config = (await by_name(api, "mail"))["config"]
    assert (config["from_name"], config["pace"]["per_second"], config["inline_css"]) == ("Shop", 2.5, True)
    assert (await by_name(api, "mail"))["secrets"] == ["password"]
    assert (
        await browser.send(f"{made.location}/edit", **{**typed, "config.from_name": "", "config.pace.per_second": ""})
    ).status == 303
    config = (await by_name(api, "mail"))["config"]
    assert (config.get("from_name"), config.get("pace")) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a b"),
        ("config.host", "127.0.0.1"),
        ("config.port", "many"),
        ("config.port", "70000"),
        ("config.from_address", "nobody"),
        ("config.password", ""),
        ("config.connections", "nan"),
        ("config.pace.per_second", "-1"),
    ],
)
async def test_a_wrong_setting_stands_at_its_field(browser: Browser, api: Caller, field: str, value: str) -> None:
    shown = await browser.send("/settings/channels/new", **{**SMTP, field: value})
    assert shown.status == 422
    assert [each.get("id") for each in shown.body.cssselect(".fault")] == [f"{field}-fault"], shown.all(".fault")
    assert shown.value("config.user") == "shop"
    if field != "config.password":
        assert shown.value(field) == value
    assert "mail" not in {each["name"] for each in (await api.get("/channels")).json()["items"]}


async def test_what_is_wrong_inside_of_a_document_is_named(browser: Browser) -> None:
    fields = {"kind": "http", "medium": "sms", "name": "x", "config.url": "https://93.184.216.34/", "config.body": "{}"}
    unreadable = await browser.send("/settings/channels/new", **fields, **{"config.answer": "{"})
    assert (unreadable.status, unreadable.value("config.answer").strip()) == (422, "{")
    wrong = await browser.send("/settings/channels/new", **fields, **{"config.answer": '{"rules": [{"result": "maybe"}]}'})
    assert wrong.status == 422
    assert wrong.all(".fault")[0].startswith("rules[0].result: ")


async def test_a_taken_name_is_a_conflict(browser: Browser) -> None:
    fields = {"kind": "simulator", "medium": "sms", "name": "simulator-sms"}
    shown = await browser.send("/settings/channels/new", **fields)
    assert (shown.status, shown.value("name")) == (409, "simulator-sms")


async def test_a_channel_is_tested_checked_paused_resumed_and_archived(browser: Browser, api: Caller) -> None:
    at = f"/settings/channels/{(await by_name(api, 'simulator-sms'))['id']}"
    refused = await browser.send(f"{at}/test", to_address="nonsense")
    assert (refused.status, refused.value("to_address")) == (422, "nonsense")
    tested = await browser.send(f"{at}/test", to_address="+4741200123")
    assert (tested.status, "Send" in tested.text, "has it in its inbox" in tested.text) == (200, True, True)
    assert (await browser.send(f"{at}/test", to_address="+4741200123")).status == 429
    assert "This is a test" in (await browser.open(f"{at}/inbox", to="+4741200123")).all(".bubble")[0]
    assert "Nothing of this kind" in (await browser.send(f"{at}/check")).text
    await browser.send(f"{at}/pause", reason="The account is being moved.")
    shown = await browser.open(at)
    assert ("The account is being moved." in shown.text, f"/console{at}/resume" in shown.answer.text) == (True, True)
    await browser.send(f"{at}/resume")
    assert (await by_name(api, "simulator-sms"))["paused_at"] is None
    await browser.send(f"{at}/archive")
    assert (await by_name(api, "simulator-sms"))["archived_at"] is not None
    gone = await browser.open(at)
    assert ("Archived" in gone.text, gone.body.cssselect("dialog form, main form[method=post]")) == (True, [])
    assert (await browser.send(f"{at}/pause")).status == 409


async def test_a_viewer_sees_a_channel_and_cannot_touch_it(visitor: Browser, api: Caller) -> None:
    at = f"/settings/channels/{(await by_name(api, 'simulator-sms'))['id']}"
    browser = await with_role(visitor, api, "viewer")
    shown = await browser.open(at)
    assert (shown.status, shown.body.cssselect("dialog form, main form[method=post]")) == (200, [])
    for act in ("test", "check", "pause", "resume", "archive", "edit"):
        assert (await browser.send(f"{at}/{act}")).status == 403
    assert (await browser.open("/settings/channels/01a22ad0-0000-7000-8000-000000000000")).status == 404


@pytest.mark.parametrize("kind", list(ChannelKind))
async def test_only_what_a_kind_requires_must_be_typed(browser: Browser, kind: ChannelKind) -> None:
    shown = await browser.open("/settings/channels/new", kind=kind.value)
    required = {each.name for each in settings_of(kind, sorted(CHANNEL_TYPES[kind].media)[0]) if each.required}
    asked = {each.get("name") for each in shown.body.cssselect("main [required]")}
    assert asked - {"name"} <= required
    assert not shown.body.xpath("//@*[. = 'False' or . = 'None']")


async def test_a_host_without_an_address_is_saved_and_its_test_says_so(browser: Browser) -> None:
    made = await browser.send("/settings/channels/new", **{**SMTP, "config.host": "nothing.invalid"})
    assert made.status == 303, made.text
    tested = await browser.send(f"{made.location}/test", to_address="me@example.com")
    assert tested.all(".badge.failed") != []
    form = await browser.open("/settings/channels/new", kind="smtp")
    assert "One that has no address yet is not: a test tells" in form.text


async def test_a_simulator_offers_no_real_message_and_its_links_open_beside(browser: Browser, api: Caller) -> None:
    at = f"/settings/channels/{(await by_name(api, 'simulator-email'))['id']}"
    shown = await browser.open(at)
    assert ("of yours" in shown.text, "real message" in shown.text) == (False, False)
    assert "reaches nobody, at most one" in shown.text
    assert (await browser.send(f"{at}/test", to_address="me@example.com")).status == 200
    inbox = await browser.open(f"{at}/inbox")
    assert inbox.body.cssselect("body[data-events*='/live'] [data-live=received] .bubble")
    assert {each.get("target") for each in inbox.body.cssselect(".line a")} <= {"_blank"}
    real = await browser.send("/settings/channels/new", **SMTP)
    assert "To a mailbox of yours" in (await browser.open(real.location)).text
