"""A short drill on a stack of its own: PostgreSQL silent, and the redirect dying between the spool and the answer."""

from datetime import timedelta

import pytest

from drills.clicks import run
from drills.parts.clicks.plan import Plan, Scene, postgres_silent
from drills.parts.patience import DrillError


async def does_nothing(_: Scene) -> None:
    raise DrillError("It does nothing.")


@pytest.mark.drill
def test_a_drill_loses_nothing_and_says_when_a_fault_had_no_effect() -> None:
    verdict = run(Plan(messages=300, seed=7, faults=(postgres_silent, does_nothing), outage=timedelta(seconds=3)))
    assert dict(verdict.faults) == {"postgres_silent": True, "does_nothing": False}
    assert not verdict.ok
    assert (verdict.lost, verdict.doubled, verdict.effects_doubled, verdict.errors_while_alive) == (0, 0, 0, 0)
    assert (verdict.unanswered, verdict.unrecorded, verdict.rejected, verdict.counters_equal) == (0, 0, 0, True)
    assert verdict.advanced == verdict.enrollments > 0
    assert verdict.recorded >= verdict.answered > 0
