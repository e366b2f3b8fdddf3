"""The checker: what it must find, fact by fact."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from drills.parts.clicks.checker import Facts, as_document, judge
from models.clicks.inbox import LinkOfRecipient as Link

FIRST, SECOND = Link(1, 0, 0), Link(1, 1, 0)
ENROLLMENT = uuid4()
GOOD = Facts(
    asked={FIRST: 1, SECOND: 2},
    answered={FIRST: 1, SECOND: 2},
    recorded={FIRST: 1, SECOND: 2},
    waiting={FIRST: ENROLLMENT},
    advanced={ENROLLMENT: 1},
    effects={ENROLLMENT: 1},
    faults={"redirect_killed": True},
)


def test_nothing_answered_proves_nothing() -> None:
    assert not judge(Facts({}, {}, {})).ok


def test_a_fault_that_did_not_fire_fails_the_drill() -> None:
    verdict = judge(replace(GOOD, faults={"redirect_killed": True, "worker_killed": False}))
    assert (verdict.ok, verdict.lost, verdict.doubled) == (False, 0, 0)


def test_an_answered_click_without_a_row_is_lost() -> None:
    verdict = judge(replace(GOOD, recorded={SECOND: 2}))
    assert (verdict.ok, verdict.lost) == (False, 1)


def test_a_row_too_many_elsewhere_does_not_make_up_for_a_lost_click() -> None:
    verdict = judge(replace(GOOD, recorded={SECOND: 3}))
    assert (verdict.ok, verdict.lost, verdict.doubled) == (False, 1, 1)


def test_a_row_of_a_link_that_nobody_clicked_is_doubled() -> None:
    verdict = judge(replace(GOOD, recorded={**GOOD.recorded, Link(7, 7, 7): 1}))
    assert (verdict.ok, verdict.doubled) == (False, 1)


@pytest.mark.parametrize("rows", [0, 1])
def test_of_a_click_whose_connection_broke_nobody_knows(rows: int) -> None:
    third = Link(1, 2, 0)
    verdict = judge(replace(GOOD, asked={**GOOD.asked, third: 1}, recorded={**GOOD.recorded, third: rows}))
    assert (verdict.ok, verdict.broken_while_down) == (True, 1)


def test_clicks_that_the_full_spool_explains_are_permitted_as_far_as_they_were_counted() -> None:
    missing = replace(GOOD, recorded={FIRST: 1}, unsafe={SECOND: 2})
    assert judge(replace(missing, counted_lost=2)).ok
    verdict = judge(replace(missing, counted_lost=1))
    assert (verdict.ok, verdict.lost, verdict.lost_permitted) == (False, 1, 1)


def test_what_the_redirect_counted_as_lost_excuses_no_other_time() -> None:
    verdict = judge(replace(GOOD, recorded={FIRST: 1}, counted_lost=2))
    assert (verdict.ok, verdict.lost) == (False, 2)


def test_an_enrollment_that_was_not_woken_is_found() -> None:
    verdict = judge(replace(GOOD, advanced={}, effects={}))
    assert (verdict.ok, verdict.enrollments, verdict.advanced) == (False, 1, 0)


@pytest.mark.parametrize("enrollment", [ENROLLMENT, uuid4()])
def test_two_effects_are_found_whoever_clicked(enrollment: UUID) -> None:
    verdict = judge(replace(GOOD, effects={ENROLLMENT: 1, enrollment: 2}))
    assert (verdict.ok, verdict.effects_doubled) == (False, 1)


WRONG = [{"errors": 1}, {"unanswered": 1}, {"unrecorded": 1}, {"rejected": 1}, {"counters_equal": False}]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_each_of_these_fails_the_drill(wrong: dict[str, int]) -> None:
    assert not judge(replace(GOOD, **wrong)).ok  # type: ignore[arg-type] # counts and one truth value


def test_when_all_is_well_the_document_says_so() -> None:
    document = as_document(7, judge(GOOD))
    assert (document["seed"], document["ok"], document["answered"], document["recorded"]) == (7, True, 3, 3)
