"""Findings about channels: paused, failing their tests, or called by somebody whom they do not trust."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from api.diagnostics.finding import Finding, plural, since
from models.channels.channel import Channel

MOST_CHANNELS = 5
"""The channels that are named, the longest paused first."""


def troubled(channels: Iterable[Channel]) -> Iterator[Finding]:
    for channel in channels:
        if channel.paused_at is not None:
            yield Finding(
                code="channel_paused",
                channel_id=channel.id,
                question="delivery",
                severity="problem",
                sentence=f"The channel '{channel.name}' has been paused for {since(channel.paused_at)} and sends nothing. "
                f"The reason: {channel.pause_reason}",
                what_to_change=f"Correct that, test it with POST /v1/channels/{channel.id}/test, and resume it with "
                f"POST /v1/channels/{channel.id}/resume. What waits goes on then, except what is too late.",
            )
        if channel.test_error is not None:
            yield Finding(
                code="channel_test_failed",
                channel_id=channel.id,
                question="delivery",
                severity="warning",
                sentence=f"The last test of the channel '{channel.name}' failed {since(channel.tested_at)} ago. "
                f"{channel.test_error}",
                what_to_change=f"Correct that with PATCH /v1/channels/{channel.id}, and test it again.",
            )


def refused_callbacks(channels: Sequence[Channel], refused: Mapping[UUID, int]) -> Iterator[Finding]:
    """`refused` has the callbacks with a wrong signature since the start of this process, by channel."""
    for channel in channels:
        if count := refused.get(channel.id, 0):
            yield Finding(
                code="callbacks_refused",
                channel_id=channel.id,
                question="delivery",
                severity="warning",
                count=count,
                sentence=f"{plural(count, 'callback')} for the channel '{channel.name}' had no right signature and did nothing. "
                "So reports and answers of its provider may be missing.",
                what_to_change="Compare the channel's secret with the provider's, and CALLBACK_URL with the address that the "
                "provider calls. Somebody else may have sent them: then nothing has to be changed.",
            )
