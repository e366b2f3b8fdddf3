"""What the figures say when the neighbour was not answered."""

import json
from typing import Any

import pytest

from bench.neighbours import Measured, _figures
from bench.parts.neighbour import KINDS, Felt


def felt(**seconds: list[float]) -> Felt:
    return Felt(seconds={**{kind: [0.01] for kind in KINDS}, **seconds})


def figures(idle: Felt, beside: Felt) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(_figures(idle, {"texts": Measured(beside, {})}), allow_nan=False))
    return found


def test_figures_within_the_goals_miss_nothing() -> None:
    assert figures(felt(), felt())["missed"] == []


def test_what_became_slow_is_missed() -> None:
    assert figures(felt(), felt(get=[0.2]))["missed"] == ["texts: get"]


FELT, NEVER_ENROLLED = felt(), felt(enroll=[])


@pytest.mark.parametrize(("idle", "beside"), [(FELT, NEVER_ENROLLED), (NEVER_ENROLLED, FELT), (NEVER_ENROLLED, NEVER_ENROLLED)])
def test_what_never_came_to_its_end_is_missed(idle: Felt, beside: Felt) -> None:
    found = figures(idle, beside)
    assert (found["missed"], found["texts"]["enroll"]["p99_ratio"]) == (["texts: enroll"], None)
