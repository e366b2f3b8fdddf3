"""What is typed in forms goes into the YAML: into the step whose form it is, and to those that name a step whose key changes."""

from typing import Any

from console.areas.sequences.yaml_text import read
from tests.api.campaign_builders import steps_with_click
from tests.console.conftest import Browser, Shown
from tests.console.sequences.editor_page import press, sent, yaml

PATH = "/sequences/new"
JUMP = [{"key": "hot", "actions": [{"kind": "go_to", "step": "thanks"}]}]


def steps_of(shown: Shown) -> list[Any]:
    steps: list[Any] = read(shown.value("yaml")).value["steps"]
    return steps


async def test_steps_that_name_another_one_follow_to_its_new_key(browser: Browser) -> None:
    steps = steps_with_click()
    steps[0] |= {"next": "wait", "triggers": JUMP}
    shown = await browser.send(PATH, yaml=yaml(steps=steps, triggers=JUMP), do="check")
    renamed = await press(browser, shown, PATH, "check", **{"s1.key": "pause", "s2.key": "gift"})
    found = read(renamed.value("yaml")).value
    assert (found["steps"][0]["next"], found["steps"][1]["key"], found["steps"][1]["on_click"]) == ("pause", "pause", "gift")
    assert found["steps"][0]["triggers"][0]["actions"][0]["step"] == "gift"
    assert found["triggers"][0]["actions"][0]["step"] == "gift"
    assert not renamed.all("#faults li")


async def test_a_key_that_is_taken_or_empty_moves_nobody(browser: Browser) -> None:
    shown = await browser.send(PATH, yaml=yaml(), do="check")
    for key in ("over", "", "  "):
        changed = await press(browser, shown, PATH, "check", **{"s2.key": key})
        assert steps_of(changed)[1]["on_click"] == "thanks"
        assert changed.all("#faults li")


async def test_a_key_is_followed_while_it_is_typed_letter_by_letter(browser: Browser) -> None:
    """The page that the script sends still knows the key with which it was opened."""
    shown = await browser.send(PATH, yaml=yaml(), do="check")
    typed = {**sent(shown), "from": "form"}
    for key in ("than", "", "g", "gift"):
        typed["s2.key"] = key
        answer = await browser.send(PATH, **typed, do="check")
        typed |= {
            "yaml": answer.value("yaml"),
            "yaml.seal": answer.value("yaml.seal"),
            "s1.on_click": answer.value("s1.on_click"),
        }
    assert steps_of(answer)[2]["key"] == "gift"
    assert steps_of(answer)[1]["on_click"] == "gift"


async def test_two_keys_that_change_places_move_nobody(browser: Browser) -> None:
    shown = await browser.send(PATH, yaml=yaml(), do="check")
    swapped = await press(browser, shown, PATH, "check", **{"s2.key": "reminder", "s3.key": "thanks"})
    assert [each["key"] for each in steps_of(swapped)] == ["hello", "wait", "reminder", "thanks", "over"]
    assert steps_of(swapped)[1]["on_click"] == "thanks"


async def test_a_step_without_a_key_has_a_form_that_counts(browser: Browser) -> None:
    steps = [{"kind": "wait", "duration": "P1D"}, {"kind": "wait", "duration": "P2D"}, {"kind": "end", "key": "over"}]
    shown = await browser.send(PATH, yaml=yaml(steps=steps), do="check")
    changed = await press(browser, shown, PATH, "check", **{"s1.key": "rest", "s1.duration.number": "5"})
    assert [(each.get("key"), each.get("duration")) for each in steps_of(changed)] == [
        (None, "P1D"),
        ("rest", "P5D"),
        ("over", None),
    ]


async def test_a_form_follows_its_step_when_the_text_was_changed_beside_it(browser: Browser) -> None:
    shown = await browser.send(PATH, yaml=yaml(), do="check")
    steps = steps_with_click()
    moved = yaml(steps=[steps[1], steps[0], *steps[2:]])
    changed = await press(browser, shown, PATH, "check", yaml=moved, **{"s1.timeout.number": "9"})
    assert [each["key"] for each in steps_of(changed)][:2] == ["wait", "hello"]
    assert steps_of(changed)[0]["timeout"] == "P9D"


async def test_forms_of_another_text_change_nothing(browser: Browser) -> None:
    shown = await browser.send(PATH, yaml=yaml(), do="check")
    text = yaml(steps=[{"kind": "wait", "key": "other", "duration": "P1D"}])
    changed = await press(browser, shown, PATH, "check", yaml=text, **{"s0.key": "typed", "s1.timeout.number": "9"})
    assert changed.value("yaml").strip() == text.strip()


async def test_a_step_that_a_form_leaves_as_it_is_keeps_its_comments(browser: Browser) -> None:
    text = yaml().replace("timeout: P1D", "timeout: P1D # long enough")
    shown = await browser.send(PATH, yaml=text, do="check")
    typed = {"s1.seal": "another", "s2.message.body": "Thank you"}
    changed = await press(browser, shown, PATH, "check", **typed)
    assert "# long enough" in changed.value("yaml")
    assert steps_of(changed)[2]["message"]["body"] == "Thank you"


async def test_the_form_of_a_step_that_has_become_another_kind_empties_nothing(browser: Browser) -> None:
    steps: list[dict[str, Any]] = [{"kind": "wait", "key": "a", "duration": "P1D"}, {"kind": "end", "key": "over"}]
    shown = await browser.send(PATH, yaml=yaml(steps=steps), do="check")
    steps[0] = {"kind": "send", "key": "a", "channel": "simulator-sms", "message": {"body": "Hello"}}
    changed = await press(browser, shown, PATH, "check", yaml=yaml(steps=steps))
    assert steps_of(changed) == steps
