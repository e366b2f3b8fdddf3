"""Refused API keys: all are counted and some are logged, so that nobody who tries keys can fill the disk."""

import time
from collections import Counter
from collections.abc import Callable, Iterator

import structlog
from prometheus_client.core import CounterMetricFamily, Metric

from models.organizations.api_key import KEY_TEXT
from models.organizations.caller import Refusal
from services.process.few_lines import FewLines

log = structlog.get_logger()


class RefusedKeys:
    """Counts since the process started, by reason."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[Refusal] = Counter()
        self._lines = FewLines(clock)

    def count(self, reason: Refusal, text: str) -> None:
        """`text` is the whole key, of which only the id is logged."""
        self.counts[reason] += 1
        left_out = self._lines.next()
        if left_out is None:
            return
        parts = KEY_TEXT.fullmatch(text)
        log.warning("API key refused", reason=reason.value, key_id=parts and parts[1], not_logged_before=left_out)

    def metrics(self) -> Iterator[Metric]:
        found = CounterMetricFamily("linkwake_refused_keys", "Requests refused for their API key.", labels=["reason"])
        for reason in Refusal:
            found.add_metric([reason.value], self.counts[reason])
        yield found
