"""Which channels a text can name."""

from typing import Any

from models.base import new_id, now
from models.channels.channel import Channel, ChannelKind, Medium
from services.contents.named_channel import named_channel_errors


def channel(name: str, **fields: Any) -> Channel:
    return Channel(org_id=new_id(), name=name, kind=ChannelKind.SIMULATOR, medium=Medium.SMS, **fields)


CHANNELS = {"news": channel("news"), "old": channel("old", archived_at=now())}


def test_an_archived_channel_cannot_be_named() -> None:
    (error,) = named_channel_errors(CHANNELS, "old", "steps[0].channel")
    assert error.field == "steps[0].channel"
    assert error.message == "The channel 'old' is archived and sends nothing any more; choose one of: news."


def test_an_unknown_channel_is_refused_with_those_that_there_are() -> None:
    (error,) = named_channel_errors(CHANNELS, "olds", "channel")
    assert error.message == "There is no channel named 'olds'; known channels: news."


def test_a_channel_that_sends_can_be_named() -> None:
    assert list(named_channel_errors(CHANNELS, "news", "channel")) == []
