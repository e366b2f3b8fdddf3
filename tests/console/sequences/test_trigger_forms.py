"""Triggers of a sequence and of a step in the form of campaigns: it writes the YAML, and what no form shows stays there."""

from typing import Any

import pytest

from console.areas.sequences.trigger_forms import seal, shown, written
from console.areas.sequences.yaml_text import read
from tests.api.campaign_builders import steps_with_click
from tests.builders import Caller
from tests.console.conftest import Browser, Shown
from tests.console.sequences.editor_page import HOSTILE, options, press, yaml

PATH = "/sequences/new"
ID = "0198c0de-0000-7000-8000-000000000002"
SEND = {
    "kind": "send",
    "channel": "simulator-email",
    "message": {"subject": "Hi", "body": "Two\nlines", "links": {"a": "https://a"}},
}
ACTIONS: list[dict[str, Any]] = [
    {"kind": "tag", "tags": ["hot"]},
    {"kind": "untag", "tags": ["cold", "old"], "on_failure": "stop"},
    SEND,
    {"kind": "enroll", "sequence_id": ID, "variables": {"offer": "spring", "off": 10}},
    {"kind": "set_field", "field": "properties.plan", "value": None},
    {"kind": "notify", "target": "Sales", "text": "Look"},
    {"kind": "go_to", "step": "thanks"},
    {"kind": "leave"},
]
HOT = {"key": "hot", "actions": [{"kind": "tag", "tags": ["hot"]}]}


def triggers_of(shown: Shown, step: int | None = 0) -> Any:
    value = read(shown.value("yaml")).value
    return (value if step is None else value["steps"][step]).get("triggers")


async def opened(browser: Browser, **changes: Any) -> Shown:
    return await browser.send(PATH, yaml=yaml(**changes), do="check")


def steps_with(*triggers: Any) -> list[dict[str, Any]]:
    steps = steps_with_click()
    steps[0]["triggers"] = list(triggers)
    return steps


@pytest.mark.parametrize("owner", ["q", "s0"])
async def test_a_trigger_is_made_by_buttons_and_fields_alone(browser: Browser, owner: str) -> None:
    step = None if owner == "q" else 0
    at = f"{owner}.triggers[0]"
    page = await press(browser, await opened(browser), PATH, f"{owner}.add-trigger")
    assert page.body.cssselect(f'details[data-step="{"q" if step is None else "hello"}"]')[0].get("open") is not None
    assert [value for value, _ in options(page, f"{at}.link")] == ["", "offer"]
    page = await press(
        browser, page, PATH, f"{owner}.add-action:0", **{f"{at}.add": "go_to", f"{at}.actions[0].tags": "hot, new"}
    )
    assert [value for value, _ in options(page, f"{at}.actions[1].step")][1:] == ["hello", "wait", "thanks", "reminder", "over"]
    assert page.body.cssselect(f'[name="{at}.actions[1].step"]')[0].get("aria-invalid") == "true"
    typed = {f"{at}.link": "offer", f"{at}.times": "3", f"{at}.within.number": "2", f"{at}.within.unit": "W"}
    page = await press(browser, page, PATH, "check", **typed, **{f"{at}.actions[1].step": "over"})
    actions = [{"kind": "tag", "tags": ["hot", "new"]}, {"kind": "go_to", "step": "over"}]
    assert triggers_of(page, step) == [{"key": "trigger_1", "link": "offer", "times": 3, "within": "P2W", "actions": actions}]
    assert not page.all("#faults li")
    page = await press(browser, page, PATH, f"{owner}.raise-action:0.1")
    assert [each["kind"] for each in triggers_of(page, step)[0]["actions"]] == ["go_to", "tag"]
    page = await press(browser, page, PATH, f"{owner}.remove-action:0.0")
    page = await press(browser, page, PATH, f"{owner}.remove-trigger:0")
    assert triggers_of(page, step) is None


@pytest.mark.parametrize("action", ACTIONS, ids=[each["kind"] for each in ACTIONS])
async def test_every_kind_of_action_is_shown_and_stays_as_it_is(browser: Browser, action: dict[str, Any]) -> None:
    trigger = {"key": "hot", "when": "not_clicked", "within": "P1DT12H", "actions": [action]}
    page = await opened(browser, steps=steps_with(trigger), triggers=[trigger])
    assert page.value("q.triggers[0].within.number") == page.value("s0.triggers[0].within.number") == "36"
    again = await press(browser, page, PATH, "check", **{"s0.message.body": "Another {{ links.offer }}"})
    assert triggers_of(again) == triggers_of(again, None) == [trigger]
    assert shown([trigger]) is not None
    changed = await press(browser, page, PATH, "check", **{"s0.triggers[0].key": "warm"})
    assert triggers_of(changed) == [{**trigger, "key": "warm", "within": "PT36H"}]


@pytest.mark.parametrize(
    "value",
    [
        5,
        "x",
        {},
        [5],
        [[]],
        [{"key": "hot"}, 5],
        [{"key": "hot", "actions": 5}],
        [{"key": "hot", "actions": [5]}],
        [{"key": "hot", "actions": [{"kind": "explode"}]}],
        [{"key": "hot", "actions": [{"kind": [1]}]}],
        [{"key": "hot", "actions": [{"kind": "tag", "tags": "hot"}]}],
        [{"key": "hot", "actions": [{"kind": "tag", "tags": ["a,b"]}]}],
        [{"key": "hot", "actions": [{"kind": "send", "channel": "x", "message": 5}]}],
        [{"key": "hot", "actions": [{"kind": "send", "channel": "x", "message": {"body": "x", "links": {"a": 5}}}]}],
        [{"key": "hot", "actions": [{"kind": "enroll", "sequence_id": ID, "variables": 5}]}],
        [{"key": "hot", "actions": [{"kind": "enroll", "sequence_id": ID, "variables": {"a": [1]}}]}],
        [{"key": "hot", "colour": "red", "actions": []}],
        [{"key": ["hot"], "actions": []}],
        [{"key": "hot", "times": True, "actions": []}],
        [{"key": "hot", "times": "x" * 5_000 + HOSTILE, "within": {"a": 1}, "actions": []}],
    ],
)
async def test_what_no_form_shows_stays_in_the_yaml_and_is_said(browser: Browser, value: Any) -> None:
    form = shown(value)
    if form is not None:  # then it has to come back
        assert shown(written(form, {})) == form
        return
    steps = steps_with_click()
    steps[0]["triggers"] = value
    page = await opened(browser, steps=steps, triggers=value)
    assert page.status == 200
    assert len([each for each in page.all(".steps .note") if "has no form" in each]) == 2
    assert "<script>alert" not in page.answer.text
    for do in ("s0.add-trigger", "q.add-trigger"):
        again = await press(browser, page, PATH, do, **{"s0.message.body": "Another", "q.name": "Another"})
        assert triggers_of(again) == triggers_of(again, None) == value


async def test_faults_of_triggers_stand_at_their_fields(browser: Browser) -> None:
    trigger = {"key": "Not a key", "when": "not_clicked", "actions": [{"kind": "tag", "tags": ["x!"]}]}
    page = await opened(browser, steps=steps_with(trigger))
    at = "s0.triggers[0]"
    invalid = {each.get("name") for each in page.body.cssselect("details[data-step=hello] [aria-invalid=true]")}
    assert invalid >= {f"{at}.key", f"{at}.within.number", f"{at}.actions[0].tags"}
    named = await opened(
        browser, steps=steps_with({"key": "hot", "link": "gone", "actions": [{"kind": "go_to", "step": "gone"}]})
    )
    for field in (f"{at}.link", f"{at}.actions[0].step"):
        assert (named.value(field), options(named, field)[-1]) == ("gone", ("gone", "gone, not there"))
    assert named.all("#faults li")


async def test_a_link_that_is_not_whole_yet_stays_in_the_form_and_is_not_saved(browser: Browser, api: Caller) -> None:
    page = await opened(browser, steps=steps_with({"key": "hot", "actions": [{**SEND, "channel": "simulator-sms"}]}))
    at = "s0.triggers[0].actions[0].message.links"
    page = await press(browser, page, PATH, "s0.add-link:0.0")
    assert page.value(f"{at}[1].name") == ""
    page = await press(browser, page, PATH, "check", **{f"{at}[1].url": "https://b", "s0.message.body": "New {{ links.offer }}"})
    assert page.value(f"{at}[1].url") == "https://b"
    assert "Give this link a name" in " ".join(page.all("#faults li"))
    page = await press(browser, page, PATH, "check", **{f"{at}[1].name": "a"})
    assert "Two links have this name" in " ".join(page.all("#faults li"))
    for do in ("save", "review", "remove:0", "up:1", "add"):
        refused = await press(browser, page, PATH, do)
        assert (refused.status in (200, 422), refused.value(f"{at}[1].url")) == (True, "https://b")
        assert len(read(refused.value("yaml")).value["steps"]) == 5
    assert (await api.get("/sequences")).json()["items"] == []
    page = await press(browser, page, PATH, "check", **{f"{at}[1].name": "b"})
    assert triggers_of(page)[0]["actions"][0]["message"]["links"] == {"a": "https://a", "b": "https://b"}
    assert read(page.value("yaml")).value["steps"][0]["message"]["body"] == "New {{ links.offer }}"


async def test_a_row_that_is_empty_is_kept_on_the_page_and_is_no_link(browser: Browser, api: Caller) -> None:
    page = await opened(
        browser,
        steps=steps_with({"key": "hot", "actions": [{"kind": "send", "channel": "simulator-sms", "message": {"body": "Hi"}}]}),
    )
    page = await press(browser, page, PATH, "s0.add-link:0.0")
    page = await press(browser, page, PATH, "check")
    assert page.value("s0.triggers[0].actions[0].message.links[0].name") == ""
    assert "links" not in triggers_of(page)[0]["actions"][0]["message"]
    assert (await press(browser, page, PATH, "save")).status == 303


async def test_what_is_written_beside_a_form_that_was_not_touched_counts(browser: Browser) -> None:
    page = await opened(browser, steps=steps_with(HOT), triggers=[HOT])
    text = yaml(steps=steps_with({**HOT, "key": "warm"}), triggers=[{**HOT, "key": "warm"}])
    again = await press(browser, page, PATH, "check", yaml=text)
    assert [each["key"] for each in (triggers_of(again)[0], triggers_of(again, None)[0])] == ["warm", "warm"]
    assert again.value("s0.triggers[0].key") == "warm"


async def test_a_step_that_a_trigger_leads_to_is_followed_to_its_new_key(browser: Browser) -> None:
    jump = {"key": "hot", "actions": [{"kind": "go_to", "step": "thanks"}]}
    page = await opened(browser, steps=steps_with(jump), triggers=[jump])
    page = await press(
        browser, page, PATH, "check", **{"s2.key": "gift", "s0.triggers[0].key": "warm", "q.triggers[0].key": "warm"}
    )
    for owner, step in (("q", None), ("s0", 0)):
        assert page.value(f"{owner}.triggers[0].actions[0].step") == "gift"
        assert triggers_of(page, step) == [{"key": "warm", "actions": [{"kind": "go_to", "step": "gift"}]}]


async def test_a_new_message_of_a_trigger_goes_by_the_channel_of_its_step(browser: Browser) -> None:
    page = await opened(browser, steps=steps_with(HOT))
    page = await press(browser, page, PATH, "s0.add-action:0", **{"s0.triggers[0].add": "send"})
    assert triggers_of(page)[0]["actions"][1]["channel"] == "simulator-sms"


@pytest.mark.parametrize(
    "do",
    ["s9.add-trigger", "s1.add-trigger", "q.explode", ".add-trigger", "s0.add-action:9", "s0.remove-action:x", "q.add-action"],
)
async def test_a_button_for_what_is_not_there_changes_nothing(browser: Browser, do: str) -> None:
    page = await opened(browser, steps=steps_with(HOT))
    assert (await press(browser, page, PATH, do)).value("yaml") == page.value("yaml")


async def test_hostile_fields_make_a_form_and_no_markup(browser: Browser) -> None:
    page = await opened(browser, steps=steps_with(HOT))
    at = "s0.triggers[0]"
    odd = {
        f"{at}.key": HOSTILE,
        f"{at}.when": HOSTILE,
        f"{at}.link": HOSTILE,
        f"{at}.times": HOSTILE,
        f"{at}.segment_id": HOSTILE,
    }
    odd |= {f"{at}.actions[0].kind": HOSTILE, f"{at}.actions[0].tags": HOSTILE, f"{at}.actions[3].kind": "leave", f"{at}.x": "y"}
    odd |= {f"{at}.within.number": HOSTILE, f"{at}.within.unit": HOSTILE, "s0.triggers": "x", "s0.triggers[99999].key": "x"}
    answer = await press(browser, page, PATH, "check", **odd)
    assert answer.status == 200
    assert "<script>alert" not in answer.answer.text
    assert [each["kind"] for each in triggers_of(answer)[0]["actions"]] == ["tag", "leave"]
    assert answer.value(f"{at}.key") == HOSTILE


def test_which_action_comes_next_is_no_change_of_a_form() -> None:
    form = shown([HOT])
    assert form
    before = seal(form)
    form[0]["add"] = "send"
    assert seal(form) == before


@pytest.mark.parametrize(("triggers", "actions"), [(21, 1), (1, 21), (500, 1)])
async def test_more_triggers_than_there_may_be_have_no_form(browser: Browser, triggers: int, actions: int) -> None:
    does = ", ".join(["{kind: leave}"] * actions)
    text = "name: x\ntriggers:\n" + f"- {{key: hot, actions: [{does}]}}\n" * triggers
    page = await browser.send(PATH, yaml=text, do="check")
    assert "has no form: change them in the YAML" in page.text
    assert not page.body.cssselect('[name^="q.triggers["]')


async def test_more_triggers_than_a_form_takes_are_answered_with_a_small_page(browser: Browser) -> None:
    fields = {f"q.triggers[{row}].actions[{each}].kind": "notify" for row in range(44) for each in range(44)}
    page = await browser.send(PATH, yaml=yaml(), do="check", **{"q.triggers.seal": "x"}, **fields)
    assert (page.status, page.all("h1")) == (422, ["These are too many rows"])
    assert len(page.answer.content) < 50_000
