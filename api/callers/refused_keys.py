"""Refused API keys: all are counted and some are logged, so that nobody who tries keys can fill the disk."""

import time
from collections import Counter
from collections.abc import Callable, Iterator

import structlog
from prometheus_client.core import CounterMetricFamily, Metric

from models.organizations.api_key import KEY_TEXT
from models.organizations.caller import Refusal

log = structlog.get_logger()

LINES = 20
SECONDS = 60.0
"""The most log lines in this many seconds. The next line says how many were left out."""


class RefusedKeys:
    """Counts since the process started, by reason."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[Refusal] = Counter()
        self._clock = clock
        self._began, self._lines, self._left_out = clock(), 0, 0

    def count(self, reason: Refusal, text: str) -> None:
        """`text` is the whole key, of which only the id is logged."""
        self.counts[reason] += 1
        if self._clock() - self._began >= SECONDS:
            self._began, self._lines = self._clock(), 0
        if self._lines >= LINES:
            self._left_out += 1
            return
        self._lines += 1
        parts = KEY_TEXT.fullmatch(text)
        log.warning("API key refused", reason=reason.value, key_id=parts and parts[1], not_logged_before=self._left_out)
        self._left_out = 0

    def metrics(self) -> Iterator[Metric]:
        found = CounterMetricFamily("linkwake_refused_keys", "Requests refused for their API key.", labels=["reason"])
        for reason in Refusal:
            found.add_metric([reason.value], self.counts[reason])
        yield found
