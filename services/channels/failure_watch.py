"""Watches how many of a channel's latest messages fail, so that a channel that has begun to fail is paused before everybody's
message has failed.

Each worker judges by what it has seen itself, because all of them send by the same provider.
"""

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from models.base import now
from models.messages.message import Message

PERCENT = 100


@dataclass(frozen=True)
class Threshold:
    """A channel is paused when at least `share` percent of its latest `results` have failed. Results that are older than `window`
    do not count, and fewer results than that prove nothing."""

    share: int = 50
    results: int = 50
    window: timedelta = timedelta(minutes=10)


class FailureWatch:
    def __init__(self, threshold: Threshold, clock: Callable[[], float] = time.monotonic) -> None:
        self._threshold = threshold
        self._clock = clock
        self._results: defaultdict[UUID, deque[tuple[float, bool]]] = defaultdict(lambda: deque(maxlen=threshold.results))
        self._paused_at: dict[UUID, datetime] = {}

    def succeeded(self, message: Message) -> None:
        self._add(message, failed=False)

    def failed(self, message: Message, reason: str) -> str | None:
        """Returns why the channel has to be paused, or None. After that it begins to count again, with messages that are claimed
        from then on."""
        if not self._add(message, failed=True):
            return None
        results = self._results[message.channel_id]
        failures = sum(failed for _, failed in results)
        if len(results) < self._threshold.results or failures * PERCENT < self._threshold.share * len(results):
            return None
        self._paused_at[message.channel_id] = now()
        del self._results[message.channel_id]
        return f"{failures} of the last {self._threshold.results} messages have failed, the latest one with: {reason}"

    def _add(self, message: Message, *, failed: bool) -> bool:
        """Returns False for a message that was on its way when the channel was paused, which does not count."""
        paused_at = self._paused_at.get(message.channel_id)
        if paused_at is not None and message.sending_at is not None and message.sending_at <= paused_at:
            return False
        results, at = self._results[message.channel_id], self._clock()
        while results and results[0][0] < at - self._threshold.window.total_seconds():
            results.popleft()
        results.append((at, failed))
        return True
