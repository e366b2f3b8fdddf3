"""The checker of `drill enrollments`: what it must find, fact by fact."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from drills.parts.enrollments.checker import Facts, Journey, Verdict, as_document, judge
from drills.parts.rows import Received
from drills.parts.triggers.checker import Listener
from drills.parts.triggers.rows import FiringRow

START = datetime(2026, 11, 29, 12, tzinfo=UTC)
SENT = {"hello": ["accepted"], "thanks": ["accepted"], "bye": ["accepted"]}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def received(step: str, seconds: float, claimed: float | None = None, state: str = "accepted") -> Received:
    """Claimed a second before it arrives, unless `claimed` says otherwise."""
    return Received(step, at(seconds), at(seconds - 1 if claimed is None else claimed), state)


CLICKED = Journey(
    uuid4(),
    "completed",
    messages=SENT,
    received=[received("hello", 1), received("thanks", 5), received("bye", 7)],
    told=1,
    clicked_at=at(3),
    patience=timedelta(seconds=45),
)
QUIET = Journey(
    uuid4(),
    "completed",
    messages={"hello": ["accepted"], "bye": ["accepted"]},
    received=[received("hello", 1), received("bye", 62)],
)
STOPPED = Journey(
    uuid4(), "stopped", messages={"hello": ["accepted"]}, received=[received("hello", 1)], clicked_at=at(3), stopped_at=at(2)
)
FIRED = Listener("hot", 1, ["tag"], 1, 1, 1, [FiringRow(finished=True, outcomes=["done"])], {"tag": 1})
GOOD = Facts([CLICKED, QUIET, STOPPED], faults={"worker_killed_once": True}, listeners=[FIRED])


def thanked(message: Received) -> Journey:
    """The person who was stopped has got this message as well."""
    return replace(STOPPED, messages={**STOPPED.messages, "thanks": [message.state]}, received=[*STOPPED.received, message])


def found(*journeys: Journey, **facts: object) -> Verdict:
    """What is found when these are there beside those of whom all is well."""
    return judge(replace(GOOD, journeys=[*GOOD.journeys, *journeys], **facts))  # type: ignore[arg-type] # by name


def wrong(verdict: Verdict) -> dict[str, int]:
    """Everything that is not as it should be; the verdict is bad exactly when there is something."""
    names = ("doubled", "stuck", "astray", "after_stop", "contradicted", "unlisted", "errors")
    counts = {name: getattr(verdict, name) for name in names if getattr(verdict, name)}
    if not verdict.counters_equal:
        counts["counters"] = 1
    if not verdict.triggers.ok:
        counts["triggers"] = 1
    assert verdict.ok == (not counts)
    return counts


def test_when_all_is_well_the_document_says_so() -> None:
    document = as_document(7, judge(GOOD))
    assert (document["seed"], document["ok"], document["enrollments"], document["received"]) == (7, True, 3, 6)
    assert (document["clicks"], document["stops"], document["unknown"]) == (2, 1, [])


def test_a_message_that_came_twice_is_found_whatever_the_rows_say() -> None:
    assert wrong(found(replace(QUIET, received=[*QUIET.received, received("bye", 63)]))) == {"doubled": 1}


@pytest.mark.parametrize("state", ["queued", "running"])
def test_an_enrollment_that_is_not_over_is_stuck(state: str) -> None:
    assert wrong(found(replace(QUIET, state=state))) == {"stuck": 1}


@pytest.mark.parametrize("state", ["planned", "sending"])
def test_an_enrollment_that_is_over_with_a_message_on_its_way_is_stuck(state: str) -> None:
    assert wrong(found(replace(STOPPED, messages={**STOPPED.messages, "thanks": [state]}))) == {"stuck": 1}


def test_a_click_in_time_that_led_nowhere_is_found() -> None:
    assert wrong(found(replace(QUIET, clicked_at=at(3), patience=timedelta(seconds=45)))) == {"astray": 1}


@pytest.mark.parametrize("journey", [QUIET, CLICKED])
def test_a_click_at_the_end_of_the_wait_may_lead_either_way(journey: Journey) -> None:
    assert wrong(found(replace(journey, clicked_at=at(60), patience=timedelta(seconds=45)))) == {}


def test_thanks_without_a_click_are_found() -> None:
    assert wrong(found(replace(CLICKED, clicked_at=None))) == {"astray": 1}
    skipped = {**STOPPED.messages, "thanks": ["skipped"]}
    assert wrong(found(replace(STOPPED, messages=skipped, clicked_at=None))) == {"astray": 1}


def test_a_message_that_was_left_out_is_found() -> None:
    left_out = {step: states for step, states in SENT.items() if step != "bye"}
    assert wrong(found(replace(CLICKED, messages=left_out, received=CLICKED.received[:2]))) == {"astray": 1}


def test_a_message_that_was_skipped_without_a_stop_is_found() -> None:
    skipped = {**SENT, "bye": ["skipped"]}
    assert wrong(found(replace(CLICKED, messages=skipped, received=CLICKED.received[:2]))) == {"astray": 1}


def test_an_enrollment_that_failed_or_was_stopped_by_nobody_is_found() -> None:
    assert wrong(found(replace(CLICKED, state="failed"))) == {"astray": 1}
    assert wrong(found(replace(STOPPED, stopped_at=None))) == {"astray": 1}


def test_a_stop_that_counts_though_its_answer_was_lost_is_no_fault() -> None:
    assert wrong(found(replace(STOPPED, stopped_at=None, stop_unanswered=True))) == {}


def test_a_message_that_was_claimed_after_a_stop_was_answered_is_found() -> None:
    late = received("thanks", 5, claimed=3)
    verdict = found(
        replace(STOPPED, messages={"hello": ["accepted"], "thanks": ["accepted"]}, received=[*STOPPED.received, late])
    )
    assert wrong(verdict) == {"after_stop": 1}


def test_a_message_that_was_claimed_before_the_stop_may_arrive_after_it() -> None:
    late = received("thanks", 5, claimed=1.5)
    verdict = found(
        replace(STOPPED, messages={"hello": ["accepted"], "thanks": ["accepted"]}, received=[*STOPPED.received, late])
    )
    assert (wrong(verdict), verdict.in_flight) == ({}, 1)


def test_a_message_that_was_sent_by_its_row_and_is_not_on_the_phone_is_found() -> None:
    assert wrong(found(replace(QUIET, received=QUIET.received[:1]))) == {"contradicted": 1}


@pytest.mark.parametrize("state", ["skipped", "failed"])
def test_a_message_on_the_phone_that_its_row_denies_is_found(state: str) -> None:
    denied = [*STOPPED.received, received("thanks", 1.5, state=state)]
    assert wrong(found(replace(STOPPED, messages={**STOPPED.messages, "thanks": [state]}, received=denied))) == {
        "contradicted": 1
    }


@pytest.mark.parametrize("arrived", [True, False])
def test_an_unknown_outcome_is_no_fault_when_it_is_listed(arrived: bool) -> None:
    message = uuid4()
    journey = replace(QUIET, messages={"hello": ["accepted"], "bye": ["unknown"]}, received=QUIET.received[: 1 + arrived])
    verdict = found(journey, unknown=frozenset({message}), listed=frozenset({message}))
    assert (wrong(verdict), verdict.unknown) == ({}, [str(message)])


@pytest.mark.parametrize("side", ["unknown", "listed"])
def test_an_unknown_outcome_that_one_side_does_not_show_is_found(side: str) -> None:
    assert wrong(found(**{side: frozenset({uuid4()})})) == {"unlisted": 1}


def test_an_answer_that_nobody_should_get_is_found() -> None:
    assert wrong(found(errors=1)) == {"errors": 1}


def test_a_fault_that_did_not_fire_fails_the_drill() -> None:
    assert not found(faults={"worker_killed_once": True, "postgres_killed_once": False}).ok


@pytest.mark.parametrize("journeys", [[], [QUIET], [CLICKED, QUIET], [QUIET, replace(STOPPED, clicked_at=None)]])
def test_a_drill_without_messages_clicks_or_stops_proves_nothing(journeys: list[Journey]) -> None:
    assert not judge(replace(GOOD, journeys=journeys)).ok


def test_counters_that_differ_from_the_rows_are_found() -> None:
    assert wrong(found(counters_equal=False)) == {"counters": 1}


def test_what_a_trigger_did_not_do_is_found() -> None:
    assert wrong(found(listeners=[replace(FIRED, effects={})])) == {"triggers": 1}


@pytest.mark.parametrize(("told", "what"), [(0, "astray"), (2, "doubled")])
def test_a_team_that_was_not_told_or_told_twice_by_the_step_is_found(told: int, what: str) -> None:
    assert wrong(found(replace(CLICKED, told=told))) == {what: 1}


def test_a_team_that_was_told_of_somebody_who_did_not_click_is_found() -> None:
    assert wrong(found(replace(QUIET, told=1))) == {"astray": 1}
