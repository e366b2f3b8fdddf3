"""The gate: which obstacle answers, and what."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gate import GO, RULES, TOO_MANY_MESSAGES, Answer, Facts, Go, Later, Over, Skip, gate, judge

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)
FREE = Facts(now=NOW)


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        (replace(FREE, over=True), Over("over")),
        (replace(FREE, stopped=True), Over("stopped")),
        (replace(FREE, refused_until=SOON), Later(SOON, "the provider asked to wait")),
        (replace(FREE, messages_of_day=3, budget=3), Skip(TOO_MANY_MESSAGES)),
        (replace(FREE, messages_of_day=0, budget=0), Skip(TOO_MANY_MESSAGES)),
        (replace(FREE, messages_of_day=2, budget=3), Go()),
        (replace(FREE, messages_of_day=1000), Go()),
        (replace(FREE, refused_until=NOW), Go()),
        (FREE, Go()),
    ],
)
def test_each_obstacle_has_its_answer(facts: Facts, answer: Answer) -> None:
    assert gate(facts) == answer


def test_what_ends_everything_goes_before_what_only_waits() -> None:
    facts = Facts(now=NOW, over=True, stopped=True, refused_until=SOON, messages_of_day=9, budget=1)
    assert gate(facts) == Over("over")
    assert gate(replace(facts, over=False)) == Over("stopped")
    assert gate(replace(facts, over=False, stopped=False)) == Later(SOON, "the provider asked to wait")


OBSTACLES: dict[str, Callable[[Facts], Facts]] = {
    "over": lambda facts: replace(facts, over=True),
    "stopped": lambda facts: replace(facts, stopped=True),
    "contact_erased": lambda facts: _with(facts, erased=True),
    "channel_archived": lambda facts: _with(facts, archived=True),
    "too_late": lambda facts: replace(facts, late_after=NOW),
    "suppressed": lambda facts: _with(facts, suppressed="bounce"),
    "opted_out": lambda facts: _with(facts, consent="opted_out"),
    "no_consent": lambda facts: replace(facts, needs_consent=True),
    "answer_undecided": lambda facts: _with(facts, held_since=NOW),
    "channel_paused": lambda facts: _with(facts, paused_at=NOW),
    "provider_asked_to_wait": lambda facts: replace(facts, refused_until=SOON),
    "domain_asked_to_wait": lambda facts: _with(facts, slow_until=SOON),
    "too_many_messages": lambda facts: replace(facts, messages_of_day=3, budget=3),
    "channel_pace": lambda facts: replace(facts, paced_until=SOON),
}
"""What each rule stands for, in the order that docs/why.md shows."""


def _with(facts: Facts, **changes: Any) -> Facts:
    return replace(facts, obstacles=facts.obstacles._replace(**changes))


@given(st.sets(st.sampled_from(list(OBSTACLES))))
def test_of_any_obstacles_the_first_in_the_order_is_the_rule(there: set[str]) -> None:
    facts = FREE
    for word, add in OBSTACLES.items():
        if word in there:
            facts = add(facts)
    first = next((word for word in OBSTACLES if word in there), GO)
    judged = judge(facts)
    assert (judged.rule, judged.answer) == (first, gate(facts))
    assert judged.moment()["rule"] == first


def test_every_rule_has_an_obstacle_here() -> None:
    assert list(RULES) == list(OBSTACLES)
