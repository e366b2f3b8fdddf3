"""Steps and links are chosen among those that the draft has."""

from typing import Any

import pytest

from console.areas.sequences.yaml_text import read
from tests.console.conftest import Browser
from tests.console.sequences.editor_page import HOSTILE, options, press, yaml

LINK = "https://example.com/"


def send(key: Any, **links: str) -> dict[str, Any]:
    return {"kind": "send", "key": key, "channel": "simulator-sms", "message": {"body": "Hi", "links": links}}


async def test_a_step_can_lead_to_every_step_of_the_draft_or_to_the_one_below(browser: Browser) -> None:
    shown = await browser.send("/sequences/new", yaml=yaml(), do="check")
    keys = ["hello", "wait", "thanks", "reminder", "over"]
    assert [value for value, _ in options(shown, "s1.on_click")] == keys
    assert options(shown, "s1.on_click")[0][1].startswith("hello: SMS by ")
    below = [(value, words) for value, words in options(shown, "s0.next") if not value]
    assert below == [("", "The step below: wait")]
    assert [value for value, _ in options(shown, "s0.next")] == ["", *keys]
    last = await browser.send("/sequences/new", yaml=yaml(steps=[send("only")]), do="check")
    assert options(last, "s0.next")[0] == ("", "Nothing: the sequence ends")


async def test_what_is_chosen_is_written_and_the_step_below_is_not(browser: Browser) -> None:
    shown = await browser.send("/sequences/new", yaml=yaml(), do="check")
    changed = await press(browser, shown, "/sequences/new", "check", **{"s0.next": "thanks", "s1.on_click": "over"})
    steps = read(changed.value("yaml")).value["steps"]
    assert (steps[0]["next"], steps[1]["on_click"]) == ("thanks", "over")
    back = await press(browser, changed, "/sequences/new", "check", **{"s0.next": ""})
    assert "next" not in read(back.value("yaml")).value["steps"][0]


@pytest.mark.parametrize("name", ["gone", HOSTILE])
@pytest.mark.parametrize("field", ["on_click", "link"])
async def test_a_name_that_is_not_there_stays_chosen_with_its_fault(browser: Browser, field: str, name: str) -> None:
    wait = {"kind": "wait_for_click", "key": "wait", "link": "guide", "timeout": "P1D", "on_click": "over", "on_timeout": "over"}
    steps = [send("hello", guide=LINK), {**wait, field: name}, {"kind": "end", "key": "over"}]
    steps[0]["message"]["body"] = "Look: {{ links.guide }}"
    shown = await browser.send("/sequences/new", yaml=yaml(steps=steps), do="check")
    assert shown.value(f"s1.{field}") == name
    assert options(shown, f"s1.{field}")[0] == (name, f"{' '.join(name[:60].split())}, not there")
    assert [each.get("name") for each in shown.body.cssselect("[aria-invalid=true]:not([name=yaml])")] == [f"s1.{field}"]
    assert "<script>alert" not in shown.answer.text
    again = await press(browser, shown, "/sequences/new", "check", **{"s1.timeout.number": "2"})
    step = read(again.value("yaml")).value["steps"][1]
    assert (step[field], step["timeout"]) == (name, "P2D")


async def test_a_wait_that_leads_nowhere_asks_for_a_choice(browser: Browser) -> None:
    shown = await browser.send("/sequences/new", yaml=yaml(), do="add", kind="wait_for_click")
    assert options(shown, "s4.on_click")[0] == ("", "Choose one")
    assert shown.body.cssselect('[name="s4.on_click"]')[0].get("aria-invalid") == "true"


async def test_a_wait_can_be_for_every_link_of_every_message(browser: Browser) -> None:
    steps = [send("one", guide=LINK, shop=LINK), send("two", guide=LINK, terms=LINK), {"kind": "wait_for_click", "key": "wait"}]
    shown = await browser.send("/sequences/new", yaml=yaml(steps=steps), do="check")
    assert options(shown, "s2.link") == [
        ("", "Any link of the message before"),
        ("guide", "guide, in one"),
        ("shop", "shop, in one"),
        ("terms", "terms, in two"),
    ]


@pytest.mark.parametrize(
    "first",
    [
        5,
        None,
        {"kind": "send"},
        {"kind": "send", "key": [1], "message": {"links": 5}},
        {"kind": "send", "key": "", "message": {"links": {"": "", "x" * 64: "", HOSTILE: ""}}},
        {"kind": "send", "key": HOSTILE, "message": 5},
        {"kind": "send", "key": "wait", "message": {"links": {"a": None}}},
    ],
)
async def test_what_is_no_step_or_has_no_name_is_not_offered(browser: Browser, first: Any) -> None:
    steps = [first, {"kind": "wait_for_click", "key": "wait"}, {"kind": "wait", "key": "x" * 64}]
    shown = await browser.send("/sequences/new", yaml=yaml(steps=steps), do="check")
    assert shown.status == 200
    assert {value for value, _ in options(shown, "s1.on_click")} <= {"", "wait", "[1]"}
    assert {value for value, _ in options(shown, "s1.link")} <= {"", "a"}
    assert "<script>alert" not in shown.answer.text
