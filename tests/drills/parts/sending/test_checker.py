"""The rules of the checker of `drill sending`, one by one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drills.parts.sending.checker import Facts, Sent, judge
from drills.providers.processes import Taken
from models.base import new_id

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ADA, BOB = new_id(), new_id()


def sent(state: str = "accepted", **more: Any) -> Sent:
    return Sent(new_id(), ADA, "+491511", "Look: https://l.test/abc", **{"state": state, "claimed_at": NOON, **more})


def taken(at: datetime = NOON) -> Taken:
    return Taken("+491511", "Look: https://l.test/abc", at.timestamp())


FINE = Facts({ADA: 1}, [sent()], [taken()], opted_out_at={BOB: NOON}, faults={"worker_killed": True})


def test_a_drill_in_which_everything_went_well_is_fine() -> None:
    assert judge(FINE).ok


@pytest.mark.parametrize(
    "facts",
    [
        replace(FINE, messages=[], taken=[], expected={}),
        replace(FINE, taken=[]),
        replace(FINE, opted_out_at={}),
        replace(FINE, faults={"worker_killed": False}),
        replace(FINE, counters_equal=False),
    ],
)
def test_a_drill_that_proves_nothing_is_not(facts: Facts) -> None:
    assert not judge(facts).ok


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (replace(FINE, taken=[taken(), taken()]), "doubled"),
        (replace(FINE, expected={ADA: 1, BOB: 1}), "missing"),
        (replace(FINE, messages=[sent("planned")], taken=[]), "stuck"),
        (replace(FINE, messages=[sent("sending")]), "stuck"),
        (replace(FINE, unfinished=1), "stuck"),
        (replace(FINE, opted_out_at={ADA: NOON - MINUTE}), "after_opt_out"),
        (replace(FINE, messages=[sent(late_after=NOON)], taken=[taken(NOON + MINUTE)]), "late"),
        (replace(FINE, taken=[]), "contradicted"),
        (replace(FINE, messages=[sent("failed")]), "contradicted"),
        (replace(FINE, messages=[sent("skipped", claimed_at=None)]), "contradicted"),
        (replace(FINE, messages=[], expected={}), "strangers"),
        (replace(FINE, messages=[sent("unknown")]), "unlisted"),
        (replace(FINE, unknown=frozenset({new_id()})), "unlisted"),
        (replace(FINE, errors=1), "errors"),
    ],
)
def test_each_fault_is_found(facts: Facts, what: str) -> None:
    verdict = judge(facts)
    assert getattr(verdict, what) == 1
    assert not verdict.ok


def test_what_was_claimed_before_the_answer_may_arrive_after_it() -> None:
    verdict = judge(replace(FINE, taken=[taken(NOON + MINUTE)], opted_out_at={ADA: NOON + MINUTE / 2}))
    assert (verdict.after_opt_out, verdict.in_flight, verdict.ok) == (0, 1, True)


def test_an_unknown_message_that_is_listed_is_no_fault_whether_it_arrived_or_not() -> None:
    unknown = sent("unknown")
    for arrived in ([taken()], []):
        verdict = judge(replace(FINE, messages=[unknown, sent_to_bob()], taken=[*arrived, taken_by_bob()]))
        assert verdict.unlisted == 1
    assert judge(
        replace(
            FINE,
            messages=[unknown, sent_to_bob()],
            taken=[taken_by_bob()],
            unknown=frozenset({unknown.id}),
            opted_out_at={new_id(): NOON},
        )
    ).ok


def sent_to_bob() -> Sent:
    return Sent(new_id(), BOB, "+491512", "Look: https://l.test/def", "accepted", claimed_at=NOON - MINUTE)


def taken_by_bob() -> Taken:
    return Taken("+491512", "Look: https://l.test/def", NOON.timestamp())


def test_the_reasons_of_what_was_left_out_are_counted() -> None:
    left_out = [sent("skipped", claimed_at=None, reason="opted_out"), sent("skipped", claimed_at=None, reason="too_late")]
    assert judge(replace(FINE, messages=left_out, taken=[])).skipped == {"opted_out": 1, "too_late": 1}


def test_the_time_from_an_opt_out_to_the_last_claim_is_that_of_nearly_everybody() -> None:
    people = [new_id() for _ in range(200)]
    messages = [replace(sent(), contact_id=each) for each in people]
    asked_at = {each: NOON - timedelta(seconds=number / 100) for number, each in enumerate(people)}
    assert judge(replace(FINE, messages=messages, asked_at=asked_at)).last_claim_p99 == 1.97
    later = dict.fromkeys(people, NOON + MINUTE)
    assert judge(replace(FINE, messages=messages, asked_at=later)).last_claim_p99 == 0
    assert judge(replace(FINE, asked_at={})).last_claim_p99 == 0
