"""A short drill on a stack of its own: the worker dies with mails on their way, and so does the mail server."""

import pytest

from drills.parts.patience import DrillError
from drills.parts.sending.people import MAILS
from drills.parts.sending.plan import Scene, dies_at, provider_killed
from drills.sending import Plan, run


async def does_nothing(_: Scene) -> None:
    raise DrillError("It does nothing.")


@pytest.mark.drill
def test_a_drill_finds_nothing_doubled_lost_late_or_after_an_opt_out_and_says_when_a_fault_had_no_effect() -> None:
    faults = (dies_at("page_accepted"), provider_killed(MAILS), does_nothing)
    verdict = run(Plan(people=30, seed=7, faults=faults))
    assert dict(verdict.faults) == {
        "worker_dies_at_page_accepted": True,
        "provider_of_mails_killed": True,
        "does_nothing": False,
    }
    assert not verdict.ok
    assert (verdict.doubled, verdict.missing, verdict.stuck, verdict.after_opt_out, verdict.late) == (0, 0, 0, 0, 0)
    assert (verdict.contradicted, verdict.strangers, verdict.unlisted, verdict.errors) == (0, 0, 0, 0)
    assert min(verdict.taken, verdict.opt_outs) > 0
    assert verdict.counters_equal
