"""A short drill on a stack of its own: Temporal dies, and the worker between two actions of a trigger, while people are enrolled,
click and are stopped."""

from datetime import timedelta

import pytest

from drills.enrollments import run
from drills.parts.enrollments.plan import Plan, Scene, dies_at, killed
from drills.parts.patience import DrillError


async def does_nothing(_: Scene) -> None:
    raise DrillError("It does nothing.")


@pytest.mark.drill
def test_a_drill_finds_nobody_doubled_or_stuck_and_says_when_a_fault_had_no_effect() -> None:
    faults = (killed("temporal", "once"), dies_at("action_recorded", 1), does_nothing)
    verdict = run(Plan(enrollments=60, listeners=45, wait=timedelta(seconds=5), seed=7, faults=faults))
    assert dict(verdict.faults) == {
        "temporal_killed_once": True,
        "worker_dies_at_action_recorded": True,
        "does_nothing": False,
    }
    assert not verdict.ok
    assert (verdict.doubled, verdict.stuck, verdict.astray, verdict.after_stop, verdict.contradicted) == (0, 0, 0, 0, 0)
    assert (verdict.unlisted, verdict.errors) == (0, 0)
    assert min(verdict.received, verdict.clicks, verdict.stops) > 0
    assert verdict.triggers.ok, verdict.triggers
    assert min(verdict.triggers.fired, verdict.triggers.machine_clicks) > 0
