"""What the providers' requests share of this process: turns, memory for bodies, and the count of those that were refused."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

import structlog
from prometheus_client.core import CounterMetricFamily, Metric

from api.http.body_memory import BodyMemory
from models.channels.channel import ChannelKind
from models.errors import CallbackRefused
from services.process.few_lines import FewLines
from services.process.turns import Turns

log = structlog.get_logger()

AT_ONCE, WAITING = 2, 1000
"""Callbacks of one organization that are worked on at once and that wait. Providers report as fast as they send."""
MEMORY = 8 * 2**20
"""Bytes of proved callbacks' bodies for each organization, apart from those of its own requests."""
UNPROVED_MEMORY = 8 * 2**20
"""Bytes of bodies for each client until their proof has been looked at. They count against no organization, because anybody
can send them."""


class WhyRefused(StrEnum):
    UNKNOWN_CHANNEL = "unknown_channel"
    SIGNATURE = "signature"


class Callbacks:
    def __init__(self) -> None:
        self.turns = Turns(AT_ONCE, WAITING, "callbacks")
        self.memory = BodyMemory(MEMORY)
        self.refused_of: Counter[UUID] = Counter()
        """Callbacks with a wrong signature, by channel."""
        self.unproved_memory = BodyMemory(UNPROVED_MEMORY, "the requests from your address")
        self.refused: Counter[tuple[ChannelKind, WhyRefused]] = Counter()
        self._lines = FewLines()

    def refusal(self, kind: ChannelKind, channel_id: UUID, why: WhyRefused) -> CallbackRefused:
        """Counts a refusal and returns its error, which does not tell strangers whether there is such a channel."""
        self.refused[kind, why] += 1
        if why == WhyRefused.SIGNATURE:  # so there is such a channel, and strangers do not make this grow
            self.refused_of[channel_id] += 1
        left_out = self._lines.next()
        if left_out is not None:
            known = {"channel_id": str(channel_id), "kind": kind.value, "reason": why.value}
            log.warning("callback refused", **known, not_logged_before=left_out)
        return CallbackRefused(
            "There is no such channel, or its secret is not that of the signature, or the signed address is not the one that "
            "CALLBACK_URL says: look at all three."
        )

    def metrics(self) -> Iterator[Metric]:
        found = CounterMetricFamily(
            "linkwake_refused_callbacks", "Callbacks of providers that were refused.", labels=["kind", "reason"]
        )
        for (kind, why), count in list(self.refused.items()):
            found.add_metric([kind, why], count)
        yield found
