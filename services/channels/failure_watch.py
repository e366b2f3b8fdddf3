"""Watches what a channel's messages come to, so that a channel that has begun to fail is paused before everybody's message has
failed, and one whose provider cannot be reached before all messages wait for it in vain.

Each worker judges by what it has seen itself, because all of them send by the same provider. What happened to messages that were
claimed before the channel was resumed says nothing: whoever resumed it has corrected what was wrong.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from models.base import now
from models.messages.message import Message

PERCENT = 100
UNREACHABLE = timedelta(minutes=5)
"""A provider that could not be reached for so long pauses the channel. One that restarts is waited for."""
FORGOTTEN = timedelta(minutes=15)
"""Attempts that are further apart do not show that a provider could not be reached meanwhile. Messages that are refused for now
are tried again within five minutes (`services/refusal.py`)."""


@dataclass(frozen=True)
class Threshold:
    """A channel is paused when at least `share` percent of its latest `results` have failed. Results that are older than `window`
    do not count, and fewer results than that prove nothing."""

    share: int = 50
    results: int = 50
    window: timedelta = timedelta(minutes=10)


class _Result(NamedTuple):
    at: datetime
    claimed_at: datetime
    failed: bool


class _Away(NamedTuple):
    """The provider could not be reached from `since` to `until`, as far as anybody tried."""

    since: datetime
    until: datetime


class FailureWatch:
    def __init__(self, threshold: Threshold, clock: Callable[[], datetime] = now) -> None:
        self._threshold = threshold
        self._clock = clock
        self._results: defaultdict[UUID, deque[_Result]] = defaultdict(lambda: deque(maxlen=threshold.results))
        self._away: dict[UUID, _Away] = {}

    def answered(self, message: Message) -> None:
        """The provider was reached, whatever it said."""
        self._away.pop(message.channel_id, None)

    def succeeded(self, message: Message) -> None:
        self._add(message, failed=False)

    def failed(self, message: Message) -> None:
        self._add(message, failed=True)

    def not_reached(self, message: Message) -> None:
        at = self._clock()
        known = self._away.get(message.channel_id)
        since = known.since if known is not None and at - known.until < FORGOTTEN else at
        self._away[message.channel_id] = _Away(since, at)

    def why_pause(self, channel_id: UUID, resumed_at: datetime | None = None) -> str | None:
        """Returns why the channel has to be paused, or None. Forgets what was claimed before `resumed_at`."""
        if resumed_at is not None:
            self._forget(channel_id, resumed_at)
        away = self._away.get(channel_id)
        if away is not None and away.until - away.since >= UNREACHABLE:
            return f"The provider could not be reached for {UNREACHABLE.total_seconds() / 60:.0f} minutes"
        results = self._results[channel_id]
        failures = sum(each.failed for each in results)
        if len(results) < self._threshold.results or failures * PERCENT < self._threshold.share * len(results):
            return None
        return f"{failures} of the last {self._threshold.results} messages have failed"

    def _add(self, message: Message, *, failed: bool) -> None:
        results, at = self._results[message.channel_id], self._clock()
        while results and results[0].at < at - self._threshold.window:
            results.popleft()
        results.append(_Result(at, _claimed_at(message, at), failed))

    def _forget(self, channel_id: UUID, before: datetime) -> None:
        results = self._results[channel_id]
        kept = [each for each in results if each.claimed_at > before]
        results.clear()
        results.extend(kept)
        away = self._away.get(channel_id)
        if away is not None:
            self._away[channel_id] = away._replace(since=max(before, away.since))


def _claimed_at(message: Message, at: datetime) -> datetime:
    return message.sending_at or at
