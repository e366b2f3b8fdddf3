"""The form of triggers: what it makes of whatever is typed, and what comes back of what the API has."""

from typing import Any

import pytest

from console.forms.triggers import change, complete, faults_of_links, field_of, triggers_of, typed

MESSAGE = {"kind": "transactional", "valid_for": "PT4H", "subject": None, "body": "Hi", "html": None, "links": {"a": "https://a"}}
TRIGGER: dict[str, Any] = {"key": "hot", "when": "clicked", "link": "a", "times": 2, "within": "P7D", "segment_id": None}
ACTIONS: list[dict[str, Any]] = [
    {"kind": "tag", "tags": ["hot", "warm"]},
    {"kind": "untag", "tags": ["cold"]},
    {"kind": "send", "channel": "sms", "message": MESSAGE},
    {"kind": "enroll", "sequence_id": "0198c0de-0000-7000-8000-000000000002", "variables": {"offer": "spring", "off": 10}},
    {"kind": "set_field", "field": "properties.age", "value": 7},
    {"kind": "go_to", "step": "thanks"},
    {"kind": "leave"},
    {"kind": "notify", "target": "Sales", "text": None},
]


@pytest.mark.parametrize("action", ACTIONS, ids=[each["kind"] for each in ACTIONS])
def test_every_kind_of_action_comes_back_as_it_was(action: dict[str, Any]) -> None:
    trigger = {**TRIGGER, "actions": [{**action, "on_failure": "stop"}]}
    (back,) = triggers_of(typed([trigger]), {})
    (does,) = back["actions"]
    message = {**MESSAGE, "subject": None, "html": None}
    assert back | {"actions": []} == {**TRIGGER, "actions": []}
    assert does == {**action, "on_failure": "stop", **({"message": message} if action["kind"] == "send" else {})}


@pytest.mark.parametrize(
    "odd", [None, 5, "x", {}, [5], [{}], [{"within": 5, "actions": 5}], [{"key": [], "actions": [5, {"kind": "explode"}]}]]
)
def test_whatever_is_typed_becomes_a_form(odd: Any) -> None:
    found = complete(odd)
    assert complete(found) == found
    assert all(each["key"] == "" for each in found)
    assert all(action["kind"] == "tag" for each in found for action in each["actions"])
    triggers_of(found, {})


@pytest.mark.parametrize(
    ("wanted", "keys", "kinds"),
    [
        ("add-trigger", ["hot", "trigger_1"], ["tag", "untag"]),
        ("remove-trigger:0", [], []),
        ("remove-trigger:7", ["hot"], ["tag", "untag"]),
        ("add-action:0", ["hot"], ["tag", "untag", "send"]),
        ("add-action:7", ["hot"], ["tag", "untag"]),
        ("add-action", ["hot"], ["tag", "untag"]),
        ("add-action:0.0", ["hot"], ["tag", "untag"]),
        ("remove-action:0.0", ["hot"], ["untag"]),
        ("raise-action:0.1", ["hot"], ["untag", "tag"]),
        ("raise-action:0.0", ["hot"], ["tag", "untag"]),
        ("add-link:0.9", ["hot"], ["tag", "untag"]),
        ("remove-link:0.0.0", ["hot"], ["tag", "untag"]),
        ("remove-trigger:\N{ARABIC-INDIC DIGIT ZERO}", ["hot"], ["tag", "untag"]),
    ],
)
def test_buttons_change_the_form_and_a_place_that_is_not_there_changes_nothing(
    wanted: str, keys: list[str], kinds: list[str]
) -> None:
    form = typed([{**TRIGGER, "actions": [{**each, "on_failure": "continue"} for each in ACTIONS[:2]]}])
    form[0]["add"] = "send"
    assert change(form, wanted, "simulator-sms")
    assert [each["key"] for each in form] == keys
    assert [action["kind"] for each in form[:1] for action in each["actions"]] == kinds
    assert [action["channel"] for each in form for action in each["actions"] if action["kind"] == "send"] in (
        [],
        ["simulator-sms"],
    )


def test_what_is_full_gets_no_more_rows() -> None:
    form = complete([{"key": f"t{row}", "actions": [{"kind": "send"}] * 20} for row in range(20)])
    for wanted in ("add-trigger", "add-action:0", *["add-link:0.0"] * 40):
        assert change(form, wanted)
    assert (len(form), len(form[0]["actions"]), len(form[0]["actions"][0]["message"]["links"])) == (20, 20, 32)


@pytest.mark.parametrize("wanted", ["", "explode:0", "save", "s1.add-trigger"])
def test_a_button_of_another_form_is_none_of_these(wanted: str) -> None:
    assert not change([], wanted)


def test_links_without_a_name_and_two_of_one_name_are_faults() -> None:
    message = {
        "links": [
            {"name": "", "url": "https://a"},
            {"name": " ", "url": ""},
            {"name": "a", "url": "1"},
            {"name": " a ", "url": "2"},
        ]
    }
    form = complete([{"key": "hot", "actions": [{"kind": "send", "message": message}]}])
    at = "triggers[0].actions[0].message.links"
    assert set(faults_of_links(form)) == {f"{at}[0].name", f"{at}.a"}


def test_a_fault_stands_at_a_field() -> None:
    assert field_of("triggers[0].actions[1].tags[2]") == "triggers[0].actions[1].tags"
    assert field_of("triggers[0].actions[1].message") == "triggers[0].actions[1].message.body"
    assert field_of("triggers[0].within") == "triggers[0].within"
