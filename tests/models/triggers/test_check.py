"""What is wrong with triggers by what their authors wrote, with the path of each fault."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sequences.check import StepGraph
from models.sequences.steps.definition import SequenceDefinition
from models.triggers.check import MAX_SENDS, MAX_TRIGGERS_IN_ALL, LinkNames, ended_errors, form_errors, link_errors
from models.triggers.definition import TriggerDefinition
from models.triggers.placed import PlacedTrigger, placed, placed_in_sequence

TAG = {"kind": "tag", "tags": ["hot"]}
SEND = {"kind": "send", "channel": "simulator-sms", "message": {"body": "Hello"}}


def trigger(key: str = "hot", *actions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"key": key, "actions": actions or [TAG], **fields}


def read(*triggers: dict[str, Any]) -> list[PlacedTrigger]:
    return placed([TriggerDefinition.model_validate(each) for each in triggers])


def in_sequence(*of_sequence: dict[str, Any], **of_steps: Sequence[dict[str, Any]]) -> list[PlacedTrigger]:
    """One send step for each keyword, with these triggers."""
    steps = [{**SEND, "key": key, "triggers": triggers} for key, triggers in of_steps.items()]
    definition = SequenceDefinition.model_validate({"steps": steps, "triggers": of_sequence})
    return placed_in_sequence(definition.steps, definition.triggers)


def faults(triggers: Sequence[PlacedTrigger], steps: Sequence[str] | None = ("a", "b")) -> dict[str, str]:
    return {error.field: error.message for error in form_errors(triggers, steps)}


def test_every_fault_is_reported_at_once_with_its_path() -> None:
    of_step = [trigger("x", TAG, {"kind": "go_to", "step": "gone"}), trigger("x")]
    of_sequence = trigger("hot", {"kind": "set_field", "field": "email", "value": "a@example.com"})
    assert faults(in_sequence(of_sequence, a=[], b=of_step)) == {
        "steps[1].triggers[1].key": "The key 'x' is used by steps[1].triggers[0] already: give each trigger its own key.",
        "steps[1].triggers[0].actions[1].step": "There is no step with the key 'gone'.",
        "triggers[0].actions[0].field": ("Write one of first_name, last_name, time_zone, or a property as properties.NAME."),
    }


def test_the_same_key_may_stand_in_two_lists() -> None:
    assert faults(in_sequence(trigger("x"), a=[trigger("x")], b=[trigger("x")])) == {}


@pytest.mark.parametrize("action", [{"kind": "leave"}, {"kind": "go_to", "step": "a"}])
def test_a_campaign_has_no_enrollment_that_could_move(action: dict[str, Any]) -> None:
    found = faults(read(trigger("hot", TAG, action)), steps=None)
    assert list(found) == ["triggers[0].actions[1].kind"]
    assert "a campaign has no enrollment" in found["triggers[0].actions[1].kind"]
    assert ("begins with the step stop_other" in found["triggers[0].actions[1].kind"]) == (action["kind"] == "leave")
    assert faults(read(trigger("hot", TAG, action))) == {}


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("first_name", "Ada", None),
        ("first_name", None, None),
        ("first_name", 7, "value"),
        ("first_name", " ", "value"),
        ("last_name", "x" * 201, "value"),
        ("time_zone", "Europe/London", None),
        ("time_zone", "Mars/Olympus", "value"),
        ("phone", "+12025550123", "field"),
        ("tags", ["a"], "field"),
        ("properties", {"plan": "gold"}, "field"),
        ("properties.plan", {"name": "gold"}, None),
        ("properties.plan", None, None),
        ("properties.", "gold", "field"),
        ("properties.a.b", "gold", "field"),
        ("properties.plan", "x" * 17_000, "value"),
        ("properties.plan", "\x00", "value"),
        ("properties.plan", [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]], "value"),
    ],
)
def test_a_field_takes_what_a_contact_may_have(field: str, value: Any, wrong: str | None) -> None:
    found = faults(read(trigger("hot", {"kind": "set_field", "field": field, "value": value})))
    assert list(found) == ([f"triggers[0].actions[0].{wrong}"] if wrong else [])


def test_triggers_and_their_messages_are_limited_in_sum() -> None:
    many = {f"s{number}": [trigger(f"t{each}") for each in range(20)] for number in range(10)}
    assert faults(in_sequence(**many)) == {}
    assert list(faults(in_sequence(trigger(), **many))) == ["triggers"]
    assert MAX_TRIGGERS_IN_ALL == 200
    sends = [trigger(f"t{each}", *[SEND] * 20) for each in range(5)]
    assert faults(read(*sends)) == {}
    assert list(faults(read(*sends, trigger("more", SEND)))) == ["triggers"]
    assert MAX_SENDS == 100


def unheard(triggers: Sequence[PlacedTrigger], *texts: list[str | None] | None) -> dict[str, str]:
    """The texts in their order, None for one that could not be read."""
    return {error.field: error.message for error in link_errors(triggers, dict(enumerate(texts)))}


def test_a_link_that_no_message_has_is_named_with_those_that_there_are() -> None:
    found = unheard(read(trigger(link="ofer")), ["offer", None, "terms"])
    assert found == {
        "triggers[0].link": "No message that it listens to contains a link named 'ofer'; the named links: offer, terms."
    }


def test_a_message_without_any_link_fires_nothing() -> None:
    wanted = {"triggers[0].link": "A trigger needs a link in a message that it listens to, and there is no link."}
    assert unheard(read(trigger()), []) == wanted
    assert unheard(read(trigger(link="offer")), []) == wanted
    assert unheard(read(trigger())) == wanted  # a sequence that sends nothing
    assert unheard(read(trigger(when="not_clicked", within="P1D")), []) == wanted


def test_a_trigger_of_a_step_hears_its_own_message_only() -> None:
    triggers = in_sequence(trigger(link="offer"), a=[trigger(link="offer")], b=[trigger(link="offer"), trigger("any")])
    assert list(unheard(triggers, ["offer"], [None])) == ["steps[1].triggers[0].link"]


def test_a_message_that_could_not_be_read_may_have_every_link() -> None:
    triggers = in_sequence(trigger(link="offer"), a=[trigger(link="offer")], b=[trigger(link="offer")])
    assert list(unheard(triggers, None, [None])) == ["steps[1].triggers[0].link"]


NAMES = st.lists(st.sampled_from([None, "offer", "terms", "guide"]), max_size=4)


@given(
    texts=st.lists(st.one_of(st.none(), NAMES), min_size=1, max_size=4),
    link=st.sampled_from([None, "offer", "guide"]),
    of_step=st.booleans(),
)
def test_a_trigger_is_refused_exactly_when_no_click_can_fire_it(
    texts: list[list[str | None] | None], link: str | None, of_step: bool
) -> None:
    wanted = trigger(link=link)
    keys = {f"s{index}": [wanted] if of_step and not index else [] for index in range(len(texts))}
    triggers = in_sequence(*([] if of_step else [wanted]), **keys)
    heard = texts[:1] if of_step else texts
    can_fire = any(text is None or any(link in (None, name) for name in text) for text in heard)
    assert (unheard(triggers, *texts) == {}) == can_fire


HELLO: dict[str, Any] = {**SEND, "key": "hello"}
MARK = {"kind": "update_contact", "key": "mark", "change": {"tags_add": ["seen"]}}
PAUSE = {"kind": "wait", "key": "pause", "duration": "P1D"}
FOR_CLICK = {"kind": "wait_for_click", "key": "ask", "timeout": "P1D", "on_click": "over", "on_timeout": "over"}
OVER = {"kind": "end", "key": "over"}
COLD = trigger("cold", when="not_clicked", within="PT1H")


def ended(steps: Sequence[dict[str, Any]], *triggers: dict[str, Any], texts: LinkNames | None = None) -> Any:
    """Every send step has a link without a name, unless `texts` says otherwise."""
    definition = SequenceDefinition.model_validate({"steps": steps, "triggers": triggers})
    graph = StepGraph(definition.steps, definition.triggers)
    links: LinkNames = {index: [None] for index in graph.sends()} if texts is None else texts
    return {
        error.field: error.message
        for error in ended_errors(placed_in_sequence(definition.steps, definition.triggers), links, graph)
    }


@pytest.mark.parametrize("rule", [trigger(), COLD])
@pytest.mark.parametrize("behind", [[], [OVER], [MARK, OVER], [{**HELLO, "key": "again"}]])
def test_a_trigger_cannot_fire_when_the_sequence_ends_right_after_its_message(
    rule: dict[str, Any], behind: list[dict[str, Any]]
) -> None:
    message = "The sequence ends right after this message, so the trigger cannot fire: put a wait behind it."
    assert ended([{**HELLO, "triggers": [rule]}, *behind]) == {"steps[0].triggers[0]": message}
    assert ended([PAUSE, {**HELLO, "triggers": [rule]}, *behind]) == {"steps[1].triggers[0]": message}
    assert list(ended([HELLO, *behind], rule)) == ["triggers[0]"]


@pytest.mark.parametrize("rule", [trigger(), COLD])
@pytest.mark.parametrize("behind", [[PAUSE], [FOR_CLICK, OVER], [MARK, PAUSE, OVER], [{**HELLO, "key": "again"}, PAUSE]])
def test_a_wait_on_one_way_is_enough(rule: dict[str, Any], behind: list[dict[str, Any]]) -> None:
    assert ended([{**HELLO, "triggers": [rule]}, *behind], rule) == {}


def test_a_trigger_of_the_sequence_needs_one_message_with_its_link_and_a_wait() -> None:
    steps = [HELLO, PAUSE, {**HELLO, "key": "last"}]
    assert ended(steps, trigger()) == {}
    only_in_the_last = {0: ["terms"], 2: ["offer"]}
    assert list(ended(steps, trigger(link="offer"), trigger("b", link="terms"), texts=only_in_the_last)) == ["triggers[0]"]
    both = {0: [None], 1: [None]}
    found = ended([HELLO, {**HELLO, "key": "last"}], trigger(), texts=both)
    assert found["triggers[0]"].startswith("The sequence ends right after each of these messages, so")


def test_a_fault_of_the_steps_or_of_the_text_is_not_reported_as_two() -> None:
    assert ended([{**HELLO, "next": "gone"}], trigger()) == {}
    assert ended([HELLO], trigger(link="ofer"), texts={0: ["offer"]}) == {}
    assert ended([HELLO, PAUSE], trigger(), texts={0: None}) == {}
    assert list(ended([HELLO], trigger(link="offer"), texts={0: None})) == ["triggers[0]"]


def test_a_jump_of_a_trigger_comes_too_late_when_the_sequence_is_over() -> None:
    jump = trigger("back", {"kind": "go_to", "step": "pause"})
    assert list(ended([{**HELLO, "triggers": [jump]}, OVER, PAUSE])) == ["steps[0].triggers[0]"]
