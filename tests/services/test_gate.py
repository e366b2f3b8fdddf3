"""The gate: which obstacle answers, and what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.gate import TOO_MANY_MESSAGES, Answer, Facts, Go, Later, Over, Skip, gate

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
