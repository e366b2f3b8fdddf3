"""Refused callbacks: all counted, a few logged, and never more than the id of the channel."""

from uuid import uuid4

from structlog.testing import capture_logs

from api.callbacks.callbacks import Callbacks, WhyRefused
from models.channels.channel import ChannelKind
from services.process.few_lines import LINES


def test_whoever_makes_many_callbacks_is_counted_and_fills_no_disk() -> None:
    callbacks, channel_id = Callbacks(), uuid4()
    with capture_logs() as lines:
        for _ in range(1000):
            callbacks.refusal(ChannelKind.TWILIO, channel_id, WhyRefused.SIGNATURE)
    assert callbacks.refused[ChannelKind.TWILIO, WhyRefused.SIGNATURE] == 1000
    assert len(lines) == LINES
    assert {line["channel_id"] for line in lines} == {str(channel_id)}


def test_the_metrics_have_kind_and_reason() -> None:
    callbacks = Callbacks()
    callbacks.refusal(ChannelKind.HTTP, uuid4(), WhyRefused.UNKNOWN_CHANNEL)
    (found,) = callbacks.metrics()
    assert [(each.labels, each.value) for each in found.samples] == [({"kind": "http", "reason": "unknown_channel"}, 1)]
