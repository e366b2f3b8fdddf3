"""A message that is refused for now: when it is tried again, and that its day counts from the first refusal."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import new_id, now
from models.messages.message import Message, MessageState
from services.refusal import GIVE_UP_AFTER, LONGEST_RETRY_AFTER, LONGEST_WAIT, SHORTEST_WAIT, refused, wait_after


def message(refused_for: timedelta | None, age: timedelta = timedelta(0), late_in: timedelta | None = None) -> Message:
    return Message(
        org_id=new_id(),
        contact_id=new_id(),
        channel_id=new_id(),
        content_id=1,
        recipient_number=1,
        created_at=now() - age,
        refused_at=None if refused_for is None else now() - refused_for,
        late_after=None if late_in is None else now() + late_in,
    )


def test_a_message_that_stood_in_line_for_two_days_is_not_given_up_when_it_is_refused_for_the_first_time() -> None:
    result = refused(message(None, age=timedelta(days=2)), "busy")
    assert (result.state, result.reason) == (MessageState.PLANNED, "busy")
    assert result.refused_at is not None


def test_a_message_is_given_up_a_day_after_its_first_refusal() -> None:
    result = refused(message(GIVE_UP_AFTER), "busy", timedelta(seconds=1))
    assert (result.state, result.reason) == (MessageState.FAILED, "given up after a day: busy")
    assert refused(message(GIVE_UP_AFTER - timedelta(minutes=1)), "busy").state == MessageState.PLANNED


def test_a_message_that_is_too_late_at_its_next_attempt_is_given_up_at_once() -> None:
    result = refused(message(None, late_in=timedelta(minutes=9)), "busy", timedelta(minutes=10))
    words = "given up, because it would be too late at the next attempt: busy"
    assert (result.state, result.reason) == (MessageState.FAILED, words)
    assert refused(message(None, late_in=timedelta(minutes=11)), "busy", timedelta(minutes=10)).state == MessageState.PLANNED


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (timedelta(seconds=7), timedelta(seconds=7)),
        (timedelta(0), SHORTEST_WAIT),
        (timedelta(days=3), LONGEST_RETRY_AFTER),
    ],
)
def test_a_provider_says_when_it_wants_to_be_asked_again_within_bounds(asked: timedelta, waited: timedelta) -> None:
    before = now()
    result = refused(message(None), "busy", asked)
    assert result.refused_at is not None
    assert result.retry_at == result.refused_at + waited
    assert result.retry_at >= before + waited


@given(st.timedeltas(timedelta(0), GIVE_UP_AFTER))
def test_the_wait_grows_with_the_time_since_the_first_refusal(refused_for: timedelta) -> None:
    wait = wait_after(refused_for)
    assert SHORTEST_WAIT <= wait <= LONGEST_WAIT
    assert wait <= wait_after(refused_for + timedelta(minutes=1))


def test_a_day_of_refusals_is_a_few_hundred_attempts() -> None:
    refused_for, attempts = timedelta(0), 0
    while refused_for < GIVE_UP_AFTER:
        refused_for += wait_after(refused_for)
        attempts += 1
    assert 300 < attempts < 350
