"""The check of a sequence's step graph: each fault with its path, and the graph against a brute-force walk."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.sequence_check import StepGraph, check_sequence, waking_positions
from models.steps import EndStep, MessageTemplate, SendStep, SequenceDefinition, Step, WaitForClickStep, WaitStep

HOUR = timedelta(hours=1)
TEXT = MessageTemplate(body="Hello")


def send(key: str, next: str | None = None) -> SendStep:
    return SendStep(key=key, channel="simulator-sms", message=TEXT, next=next)


def wait(key: str, next: str | None = None) -> WaitStep:
    return WaitStep(key=key, duration=HOUR, next=next)


def click(key: str, on_click: str, on_timeout: str, link: str | None = None) -> WaitForClickStep:
    return WaitForClickStep(key=key, link=link, timeout=HOUR, on_click=on_click, on_timeout=on_timeout)


def end(key: str) -> EndStep:
    return EndStep(key=key)


def faults(steps: Sequence[Step], links: dict[int, list[str | None]] | None = None) -> dict[str, str]:
    errors = check_sequence(SequenceDefinition(steps=tuple(steps)), links or {})
    assert len({error.field for error in errors}) == len(errors)
    return {error.field: error.message for error in errors}


def test_a_missing_step_is_named_by_the_field_that_names_it() -> None:
    found = faults([send("one", "nowhere"), click("two", "gone", "lost"), end("three")], {0: [None]})
    assert found["steps[0].next"] == "There is no step with the key 'nowhere'."
    assert found["steps[1].on_click"] == "There is no step with the key 'gone'."
    assert found["steps[1].on_timeout"] == "There is no step with the key 'lost'."


def test_a_key_used_twice_is_refused_at_the_second_step() -> None:
    found = faults([send("one"), wait("one"), end("two")])
    assert found == {"steps[1].key": "The key 'one' is used by steps[0] already: give each step its own key."}


def test_sends_that_repeat_without_a_wait_are_refused() -> None:
    found = faults([send("one"), send("two"), send("three", "two")])
    assert found == {"steps[2].next": "These steps repeat for ever without a wait: two → three → two. Put a wait between them."}


def test_a_send_that_follows_itself_is_refused() -> None:
    assert list(faults([send("one", "one")])) == ["steps[0].next"]


def test_a_repetition_with_a_wait_in_it_is_fine() -> None:
    assert faults([send("one"), wait("two", "one")]) == {}


def test_a_step_that_nothing_leads_to_is_refused() -> None:
    found = faults([send("one", "three"), send("two"), end("three")])
    assert found == {"steps[1].key": "No step leads to 'two': name it in another step, or remove it."}


def test_a_wait_for_a_link_of_a_later_message_is_refused() -> None:
    steps: list[Step] = [send("one"), click("two", "three", "three", "offer"), send("three")]
    found = faults(steps, {0: ["other"], 2: ["offer"]})
    assert found == {"steps[1].link": "No message that is sent before this wait contains a link named 'offer'."}


def test_a_wait_for_a_link_on_another_branch_is_refused() -> None:
    steps: list[Step] = [send("a"), click("b", "c", "d"), send("c", "e"), click("d", "e", "e", "offer"), end("e")]
    assert list(faults(steps, {0: [None], 2: ["offer"]})) == ["steps[3].link"]


def test_a_wait_for_any_link_needs_a_message_with_a_link() -> None:
    found = faults([send("one"), click("two", "three", "three"), end("three")], {0: []})
    assert found == {"steps[1].link": "No message that is sent before this wait contains a link."}


def test_a_wait_for_any_link_looks_at_the_message_sent_last() -> None:
    found = faults([send("one"), send("two"), click("three", "four", "four"), end("four")], {0: ["offer"], 1: []})
    assert "name the link of an earlier message" in found["steps[2].link"]


def test_a_text_that_could_not_be_read_is_not_reported_twice() -> None:
    assert faults([send("one"), click("two", "three", "three", "offer"), end("three")], {}) == {}


def test_all_faults_are_reported_at_once_in_the_order_of_the_steps() -> None:
    found = faults([send("one", "one"), wait("one", "gone"), click("three", "lost", "one", "offer")])
    assert list(found) == ["steps[0].next", "steps[1].key", "steps[1].next", "steps[2].on_click", "steps[2].key", "steps[2].link"]


def test_only_links_that_a_wait_can_mean_wake() -> None:
    steps = (send("a"), click("b", "c", "c", "offer"), send("c"), click("d", "e", "e", "offer"), send("e"))
    links: dict[int, list[str | None]] = {0: [None, "offer"], 2: ["offer", "help", "offer"], 4: ["offer"]}
    assert waking_positions(SequenceDefinition(steps=steps), links) == {0: [1], 2: [0, 2], 4: []}


def test_a_wait_for_any_link_is_woken_by_all_links() -> None:
    steps = (send("a"), click("b", "c", "c"), end("c"))
    assert waking_positions(SequenceDefinition(steps=steps), {0: [None, "offer"]}) == {0: [0, 1]}


KEYS = st.sampled_from(["a", "b", "c", "d", "e", "missing"])
LINKS = st.lists(st.sampled_from([None, "x", "y"]), max_size=2)


@st.composite
def sequences(draw: st.DrawFn) -> tuple[list[Step], dict[int, list[str | None]]]:
    """Up to five steps with keys a, b, c, … in order and any targets, faulty ones included; and their links."""
    steps: list[Step] = []
    for key in "abcde"[: draw(st.integers(1, 5))]:
        kind = draw(st.sampled_from(["send", "send", "wait", "click", "end"]))
        match kind:
            case "send":
                steps.append(send(key, draw(st.none() | KEYS)))
            case "wait":
                steps.append(wait(key, draw(st.none() | KEYS)))
            case "click":
                steps.append(click(key, draw(KEYS), draw(KEYS), draw(st.sampled_from([None, "x"]))))
            case _:
                steps.append(end(key))
    return steps, {place: draw(LINKS) for place, step in enumerate(steps) if isinstance(step, SendStep)}


def all_walks(steps: list[Step], longest: int) -> list[list[int]]:
    """Every way through the steps from the first one, at most `longest` steps long, written down without the graph's code."""
    keys = [step.key for step in steps]
    walks, growing = [], [[0]]
    while growing:
        walks += growing
        longer = []
        for walk in growing:
            step = steps[walk[-1]]
            match step:
                case EndStep():
                    targets: list[str] = []
                case WaitForClickStep():
                    targets = [step.on_click, step.on_timeout]
                case _:
                    targets = [step.next] if step.next else keys[walk[-1] + 1 :][:1]
            longer += [[*walk, keys.index(target)] for target in dict.fromkeys(targets) if target in keys]
        growing = [walk for walk in longer if len(walk) <= longest]
    return walks


@given(sequences())
def test_reachable_steps_are_those_of_some_walk(drawn: tuple[list[Step], dict[int, list[str | None]]]) -> None:
    steps, _ = drawn
    assert StepGraph(steps).reachable() == {walk[-1] for walk in all_walks(steps, 5)}


@given(sequences())
def test_sends_before_a_reachable_step_are_those_of_some_walk(drawn: tuple[list[Step], dict[int, list[str | None]]]) -> None:
    steps, _ = drawn
    graph = StepGraph(steps)
    reachable = graph.reachable()
    walks = all_walks(steps, 10)
    for place in reachable:
        arriving = [[each for each in walk[:-1] if isinstance(steps[each], SendStep)] for walk in walks if walk[-1] == place]
        assert graph.sends_before(place) & reachable == {each for sends in arriving for each in sends}
        assert graph.last_sends_before(place) & reachable == {sends[-1] for sends in arriving if sends}


@given(sequences())
def test_endless_sends_are_found_exactly(drawn: tuple[list[Step], dict[int, list[str | None]]]) -> None:
    steps, links = drawn
    errors = check_sequence(SequenceDefinition(steps=tuple(steps)), links)
    found = any("repeat for ever" in error.message for error in errors)
    # A ring of sends shows as a walk of sends that is longer than there are steps, from whatever step it starts.
    graph = StepGraph(steps)
    endless = False
    for place in range(len(steps)):
        at: int | None = place
        for _ in range(len(steps) + 1):
            at = graph.after[at][0] if at is not None and isinstance(steps[at], SendStep) and graph.after[at] else None
        endless = endless or (at is not None and isinstance(steps[at], SendStep))
    assert found == endless


@given(sequences())
def test_a_sequence_without_faults_can_be_walked_and_its_waits_heard(
    drawn: tuple[list[Step], dict[int, list[str | None]]],
) -> None:
    steps, links = drawn
    definition = SequenceDefinition(steps=tuple(steps))
    if check_sequence(definition, links):
        return
    wakes = waking_positions(definition, links)
    for walk in all_walks(steps, 8):
        step = steps[walk[-1]]
        if isinstance(step, WaitForClickStep) and step.link is not None:
            before = [each for each in walk[:-1] if isinstance(steps[each], SendStep)]
            for each in before:
                named = [n for n, name in enumerate(links[each]) if name == step.link]
                assert set(named) <= set(wakes[each])
