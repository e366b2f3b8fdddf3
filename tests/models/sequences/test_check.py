"""The check of a sequence's step graph: each fault with its path, and the graph against a brute-force walk."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.sequences.check import StepGraph, check_sequence, jump_targets
from models.sequences.steps.base import Ended
from models.sequences.steps.definition import SequenceDefinition
from models.sequences.steps.end import EndStep
from models.sequences.steps.message import MessageTemplate
from models.sequences.steps.registry import Step
from models.sequences.steps.send import SendStep
from models.sequences.steps.wait import WaitStep
from models.sequences.steps.wait_for_click import WaitForClickStep
from models.triggers.actions.go_to import GoToAction
from models.triggers.definition import TriggerDefinition

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
    assert list(found) == ["steps[0].next", "steps[1].key", "steps[1].next", "steps[2].on_click", "steps[2].key"]


def test_a_wait_that_nothing_leads_to_is_reported_for_that_alone() -> None:
    found = faults([send("one", "three"), click("two", "three", "three"), end("three")], {0: ["offer"]})
    assert found == {"steps[1].key": "No step leads to 'two': name it in another step, or remove it."}


def test_a_link_that_only_an_unknown_step_keeps_from_a_wait_is_not_missed() -> None:
    branch = click("branch", "mail", "rest", "other")
    steps: list[Step] = [send("one"), branch, send("mail", "gone"), click("rest", "over", "over", "offer"), end("over")]
    assert list(faults(steps, {0: ["other"], 2: ["offer"]})) == ["steps[2].next"]
    assert list(faults(steps, {0: ["other"], 2: []})) == ["steps[2].next", "steps[3].link"]


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


def with_jump(step: Step, targets: Sequence[str]) -> Step:
    """A send step whose triggers go to these steps."""
    triggers = [TriggerDefinition(key=f"to_{number}", actions=(GoToAction(step=key),)) for number, key in enumerate(targets)]
    return step.model_copy(update={"triggers": tuple(triggers)})


def walks_with_jumps(steps: Sequence[Step], longest: int) -> list[list[int]]:
    """Walks in which a click on a message that was sent before can lead from any step to the target of its trigger."""
    plain, keys = StepGraph(steps), [step.key for step in steps]
    jumps = {index: [keys.index(key) for key in jump_targets(getattr(step, "triggers", ()))] for index, step in enumerate(steps)}
    walks, growing = [], [[0]]
    while growing:
        walks += growing
        after = [(walk, plain.edges(walk[-1]), {target for each in walk for target in jumps[each]}) for walk in growing]
        longer = [[*walk, each] for walk, edges, targets in after for each in {*targets, *(edge[1] for edge in edges)}]
        growing = [walk for walk in longer if len(walk) <= longest]
    return walks


@given(sequences(), st.data())
def test_the_go_to_of_a_trigger_is_a_way_from_every_step_after_its_message(
    drawn: tuple[list[Step], dict[int, list[str | None]]], data: st.DataObject
) -> None:
    steps, _ = drawn
    steps, keys = steps[:4], [step.key for step in steps[:4]]
    targets = st.lists(st.sampled_from(keys), max_size=2)
    jumping = [with_jump(step, data.draw(targets)) if isinstance(step, SendStep) else step for step in steps]
    graph = StepGraph(jumping)
    walks = walks_with_jumps(jumping, 6)
    assert graph.reachable() == {walk[-1] for walk in walks}
    for place in graph.reachable():
        arriving = [[each for each in walk[:-1] if isinstance(jumping[each], SendStep)] for walk in walks if walk[-1] == place]
        assert graph.sends_before(place) >= {each for sends in arriving for each in sends}
        assert graph.last_sends_before(place) >= {sends[-1] for sends in arriving if sends}


def test_a_step_to_which_only_a_trigger_goes_is_reached() -> None:
    steps = [with_jump(send("hello"), ["thanks"]), end("over"), click("thanks", "over", "over")]
    assert faults(steps, {0: ["offer"]}) == {}
    assert list(faults([send("hello"), *steps[1:]], {0: ["offer"]})) == ["steps[2].key"]


def test_a_trigger_of_the_sequence_reaches_a_step_from_all_its_messages() -> None:
    steps = (send("hello"), end("over"), send("thanks"))
    triggers = (TriggerDefinition(key="hot", actions=(GoToAction(step="thanks"),)),)
    assert check_sequence(SequenceDefinition(steps=steps, triggers=triggers), {0: ["offer"], 2: []}) == []


@given(sequences())
def test_the_soonest_arrival_is_that_of_the_quickest_way(drawn: tuple[list[Step], dict[int, list[str | None]]]) -> None:
    graph = StepGraph(drawn[0])
    ways = {index: graph.quickest(0, index) for index in range(len(drawn[0]))}
    assert graph.soonest() == {index: way[1] for index, way in ways.items() if way is not None}


def test_a_click_that_goes_to_a_later_step_saves_its_wait() -> None:
    steps = (with_jump(send("hello"), ["thanks"]), wait("pause"), send("thanks"), end("over"))
    assert StepGraph(steps).soonest() == {0: timedelta(0), 1: timedelta(0), 2: timedelta(0), 3: timedelta(0)}
    assert StepGraph((send("hello"), *steps[1:])).soonest() == {0: timedelta(0), 1: timedelta(0), 2: HOUR, 3: HOUR}


def test_a_trigger_that_goes_back_is_no_loop_because_it_fires_a_limited_number_of_times() -> None:
    assert faults([with_jump(send("hello"), ["hello"])], {0: ["offer"]}) == {}


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


def short(steps: Sequence[Step], shortest: timedelta = HOUR) -> dict[str, str]:
    errors = check_sequence(SequenceDefinition(steps=tuple(steps)), {}, shortest)
    return {error.field: error.message for error in errors if "repeat" in error.message}


def test_a_loop_that_waits_for_less_than_an_hour_is_refused_with_its_steps() -> None:
    minute = WaitStep(key="pause", duration=timedelta(minutes=59), next="hello")
    (message,) = short([send("hello"), minute]).values()
    assert message == (
        "This loop can repeat after 59 minutes: hello → pause → hello. It has to wait for at least 1 hour in each round: "
        "make its waits longer, or end the loop."
    )
    assert short([send("hello"), minute], timedelta(minutes=59)) == {}
    assert short([send("hello"), minute, end("over")], timedelta(0)) == {}


def test_waits_of_a_loop_are_taken_together_and_a_click_waits_for_nothing() -> None:
    half = WaitStep(key="half", duration=HOUR / 2)
    other = WaitStep(key="other", duration=HOUR / 2, next="hello")
    assert short([send("hello"), half, other]) == {}
    by_click = short([send("hello"), click("wait", "hello", "over"), end("over")])
    assert list(by_click) == ["steps[1].on_click"]
    assert "because a click can come at once" in by_click["steps[1].on_click"]
    assert short([send("hello"), click("wait", "over", "hello"), end("over")]) == {}
    assert short([send("hello"), click("wait", "hello", "over"), end("over")], timedelta(0)) == {}


def test_two_ways_back_are_two_loops() -> None:
    first = WaitForClickStep(key="first", timeout=HOUR / 2, on_click="hello", on_timeout="second")
    steps: list[Step] = [send("hello"), first, click("second", "hello", "over"), end("over")]
    assert list(short(steps)) == ["steps[1].on_click", "steps[2].on_click"]


@given(sequences())
def test_short_loops_are_found_exactly(drawn: tuple[list[Step], dict[int, list[str | None]]]) -> None:
    """Against all shortest ways between all steps (Floyd and Warshall)."""
    steps, links = drawn
    errors = check_sequence(SequenceDefinition(steps=tuple(steps)), links, HOUR)
    graph, never = StepGraph(steps), timedelta(days=10_000)
    places = range(len(steps))
    least = {(a, b): min([w for _, to, w in graph.edges(a) if to == b], default=never) for a in places for b in places}
    for via in places:
        for a in places:
            for b in places:
                least[a, b] = min(least[a, b], least[a, via] + least[via, b])
    assert any("repeat" in error.message for error in errors) == any(least[place, place] < HOUR for place in places)


@given(sequences())
def test_a_sequence_without_faults_can_be_walked_to_its_end_or_to_a_wait(
    drawn: tuple[list[Step], dict[int, list[str | None]]],
) -> None:
    steps, links = drawn
    definition = SequenceDefinition(steps=tuple(steps))
    if check_sequence(definition, links):
        return
    for walk in all_walks(steps, 8):
        key = steps[walk[-1]].key
        assert definition.walk(key).at in (
            *steps,
            Ended("completed"),
            *(Ended(e.outcome) for e in steps if isinstance(e, EndStep)),
        )
