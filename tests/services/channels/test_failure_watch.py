"""The watch over what a channel's messages come to: when it has to be paused, and what counts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from models.base import new_id
from models.messages.message import Message
from services.channels.failure_watch import FORGOTTEN, UNREACHABLE, FailureWatch, Threshold

HALF_OF_TEN = Threshold(share=50, results=10, window=timedelta(minutes=1))
SECOND = timedelta(seconds=1)


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> FailureWatch:
    return FailureWatch(HALF_OF_TEN, clock)


def message(channel_id: UUID, claimed_at: datetime | None = None) -> Message:
    return Message(
        org_id=new_id(), contact_id=new_id(), channel_id=channel_id, content_id=1, recipient_number=1, sending_at=claimed_at
    )


def fail(watch: FailureWatch, channel: UUID, times: int, claimed_at: datetime | None = None) -> None:
    for _ in range(times):
        watch.failed(message(channel, claimed_at))


def test_too_many_failures_are_told(watch: FailureWatch) -> None:
    channel = new_id()
    for _ in range(5):
        watch.succeeded(message(channel))
    fail(watch, channel, 4)
    assert watch.why_pause(channel) is None
    fail(watch, channel, 1)
    assert watch.why_pause(channel) == "5 of the last 10 messages have failed"


def test_a_few_failures_prove_nothing(watch: FailureWatch) -> None:
    channel = new_id()
    fail(watch, channel, 9)
    assert watch.why_pause(channel) is None


def test_failures_among_many_successes_are_no_reason(watch: FailureWatch) -> None:
    channel = new_id()
    for _ in range(100):
        watch.succeeded(message(channel))
        watch.succeeded(message(channel))
        watch.failed(message(channel))
        assert watch.why_pause(channel) is None


def test_old_failures_do_not_count(watch: FailureWatch, clock: Clock) -> None:
    channel = new_id()
    fail(watch, channel, 9)
    clock.time += timedelta(seconds=61)
    fail(watch, channel, 1)
    assert watch.why_pause(channel) is None


def test_channels_are_apart(watch: FailureWatch) -> None:
    one, other = new_id(), new_id()
    fail(watch, one, 10)
    watch.failed(message(other))
    watch.not_reached(message(other))
    assert watch.why_pause(other) is None
    assert watch.why_pause(one) is not None


def test_messages_that_were_claimed_before_the_channel_was_resumed_do_not_count(watch: FailureWatch, clock: Clock) -> None:
    channel, resumed_at = new_id(), clock.time
    fail(watch, channel, 10, claimed_at=resumed_at - SECOND)
    clock.time += SECOND
    fail(watch, channel, 5, claimed_at=resumed_at - SECOND)
    fail(watch, channel, 9, claimed_at=resumed_at + SECOND)
    assert watch.why_pause(channel, resumed_at) is None
    fail(watch, channel, 1, claimed_at=resumed_at + SECOND)
    assert watch.why_pause(channel, resumed_at) is not None


def test_a_provider_that_is_away_for_a_moment_is_waited_for(watch: FailureWatch, clock: Clock) -> None:
    channel = new_id()
    watch.not_reached(message(channel))
    clock.time += UNREACHABLE - SECOND
    watch.not_reached(message(channel))
    assert watch.why_pause(channel) is None
    clock.time += SECOND
    watch.not_reached(message(channel))
    assert watch.why_pause(channel) == "The provider could not be reached for 5 minutes"


def test_an_answer_ends_the_time_in_which_a_provider_could_not_be_reached(watch: FailureWatch, clock: Clock) -> None:
    channel = new_id()
    watch.not_reached(message(channel))
    clock.time += UNREACHABLE
    watch.answered(message(channel))
    watch.not_reached(message(channel))
    assert watch.why_pause(channel) is None


def test_single_attempts_that_are_far_apart_do_not_show_that_a_provider_is_away(watch: FailureWatch, clock: Clock) -> None:
    channel = new_id()
    for _ in range(5):
        watch.not_reached(message(channel))
        assert watch.why_pause(channel) is None
        clock.time += FORGOTTEN


def test_a_channel_that_was_resumed_is_given_its_time_again(watch: FailureWatch, clock: Clock) -> None:
    channel = new_id()
    watch.not_reached(message(channel))
    clock.time += UNREACHABLE
    resumed_at = clock.time
    clock.time += SECOND
    watch.not_reached(message(channel))
    assert watch.why_pause(channel, resumed_at) is None
    clock.time = resumed_at + UNREACHABLE
    watch.not_reached(message(channel))
    assert watch.why_pause(channel, resumed_at) is not None
