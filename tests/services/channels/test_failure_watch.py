"""The watch over a channel's failures: when they are too many, and which of them count."""

from datetime import timedelta
from uuid import UUID

import pytest

from models.base import new_id, now
from models.messages.message import Message
from services.channels.failure_watch import FailureWatch, Threshold

HALF_OF_TEN = Threshold(share=50, results=10, window=timedelta(minutes=1))


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> FailureWatch:
    return FailureWatch(HALF_OF_TEN, clock)


def message(channel_id: UUID, claimed: timedelta = timedelta(0)) -> Message:
    return Message(
        org_id=new_id(),
        contact_id=new_id(),
        channel_id=channel_id,
        content_id=1,
        recipient_number=1,
        sending_at=now() + claimed,
    )


def test_too_many_failures_are_told_with_the_latest_reason(watch: FailureWatch) -> None:
    channel = new_id()
    for _ in range(5):
        watch.succeeded(message(channel))
    assert [watch.failed(message(channel), "filtered") for _ in range(4)] == [None] * 4
    assert watch.failed(message(channel), "no route") == "5 of the last 10 messages have failed, the latest one with: no route"


def test_a_few_failures_prove_nothing(watch: FailureWatch) -> None:
    channel = new_id()
    assert [watch.failed(message(channel), "filtered") for _ in range(9)] == [None] * 9


def test_failures_among_many_successes_are_no_reason(watch: FailureWatch) -> None:
    channel = new_id()
    for _ in range(100):
        watch.succeeded(message(channel))
        watch.succeeded(message(channel))
        assert watch.failed(message(channel), "filtered") is None


def test_old_failures_do_not_count(watch: FailureWatch, clock: Clock) -> None:
    channel = new_id()
    for _ in range(9):
        watch.failed(message(channel), "filtered")
    clock.seconds = 61
    assert watch.failed(message(channel), "filtered") is None


def test_channels_are_apart(watch: FailureWatch) -> None:
    one, other = new_id(), new_id()
    for _ in range(9):
        watch.failed(message(one), "filtered")
    assert watch.failed(message(other), "filtered") is None
    assert watch.failed(message(one), "filtered") is not None


def test_messages_that_were_on_their_way_when_the_channel_was_paused_do_not_count_after_it(watch: FailureWatch) -> None:
    channel, under_way = new_id(), timedelta(seconds=-1)
    for _ in range(10):
        watch.failed(message(channel), "filtered")
    for _ in range(50):
        assert watch.failed(message(channel, claimed=under_way), "filtered") is None
    assert [watch.failed(message(channel, claimed=timedelta(seconds=1)), "filtered") for _ in range(9)] == [None] * 9
