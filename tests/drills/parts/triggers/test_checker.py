"""The checker of triggers in `drill enrollments`: what it must find, fact by fact."""

from dataclasses import replace

import pytest

from drills.parts.triggers.checker import Listener, TriggerVerdict, judge_triggers
from drills.parts.triggers.rows import FiringRow

KINDS = ("tag", "notify", "send", "enroll")
DONE = FiringRow(finished=True, outcomes=("done",) * 4)
TWICE = Listener(
    "hot",
    times=2,
    kinds=KINDS,
    answered=3,
    asked=3,
    firings=[DONE, FiringRow(finished=True, outcomes=("done", "done", "done", "skipped"))],
    effects={"tag": 1, "notify": 2, "send": 2, "enroll": 1},
)
MACHINE = Listener("hot", times=2, kinds=KINDS, by_machines=1)
NOBODY = Listener("hot", times=2, kinds=KINDS)


def found(listener: Listener, **more: int) -> dict[str, int]:
    """Everything that is not as it should be, with this one beside those of whom all is well."""
    verdict = judge_triggers([TWICE, MACHINE, NOBODY, listener], **more)
    wrong = {name: count for name, count in vars(verdict).items() if count and name not in ("fired", "machine_clicks", "ok")}
    assert verdict.ok == verdict.is_right == (not wrong)
    return wrong


def test_when_all_is_well_it_says_so() -> None:
    verdict = judge_triggers([TWICE, MACHINE, NOBODY])
    assert verdict == TriggerVerdict(2, 1, 0, 0, 0, 0, 0, 0, 0, ok=True)
    assert not verdict.waits


@pytest.mark.parametrize("kind", KINDS)
def test_an_action_that_was_done_once_too_often_is_found(kind: str) -> None:
    assert found(replace(TWICE, effects={**TWICE.effects, kind: TWICE.effects[kind] + 1})) == {"doubled": 1}


def test_a_firing_beyond_the_most_is_found() -> None:
    assert found(replace(TWICE, firings=[DONE, DONE, DONE])) == {"doubled": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_an_action_that_is_missing_is_found(kind: str) -> None:
    effects = {**TWICE.effects, kind: TWICE.effects[kind] - 1}
    assert found(replace(TWICE, effects=effects)) == {"missing": 1}
    assert judge_triggers([replace(TWICE, effects=effects)]).waits


def test_an_answered_click_that_fired_nothing_is_found() -> None:
    assert found(Listener("hot", times=2, kinds=KINDS, answered=1, asked=1)) == {"missing": 5}


def test_whatever_a_machines_click_has_started_is_found() -> None:
    assert found(replace(MACHINE, firings=[DONE], effects={"tag": 1, "send": 1})) == {"by_machine": 3}
    assert found(replace(NOBODY, effects={"tag": 1})) == {"by_machine": 1}


def test_a_click_whose_connection_broke_may_have_fired_or_not() -> None:
    broken = replace(TWICE, answered=1, asked=2)
    assert found(broken) == {}
    assert found(replace(broken, firings=[DONE], effects=dict.fromkeys(KINDS, 1))) == {}


def test_a_firing_that_is_not_finished_is_found() -> None:
    assert found(replace(TWICE, firings=[DONE, FiringRow(finished=False, outcomes=())])) == {"unfinished": 1}


@pytest.mark.parametrize("outcomes", [("done",) * 3, ("done",) * 5, ("done", "failed", "done", "done")])
def test_a_finished_firing_without_one_good_outcome_for_each_action_is_found(outcomes: tuple[str, ...]) -> None:
    assert found(replace(TWICE, firings=[DONE, FiringRow(finished=True, outcomes=outcomes)])) == {"contradicted": 1}


@pytest.mark.parametrize("what", ["untold", "unheard"])
def test_what_a_team_was_not_told_is_found(what: str) -> None:
    assert found(NOBODY, **{what: 1}) == {what: 1}


@pytest.mark.parametrize("listeners", [[], [MACHINE], [TWICE]])
def test_without_a_firing_or_a_machine_nothing_is_proved(listeners: list[Listener]) -> None:
    assert not judge_triggers(listeners).ok
