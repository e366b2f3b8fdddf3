"""What the redirect counts, and how Prometheus gets it."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.callers.scrape import from_inside, metrics_answer
from api.redirect.background.flood import Flood
from api.redirect.keeping.journal import Journal
from models.clicks.inbox import InboxClick, LinkOfRecipient
from services.deliver_signals import SignalDelivery
from services.process.meters import BATCH, SECONDS, Histogram, counter, gauge, registry

KEPT = 75
"""Signs of life that a redirect remembers: five minutes."""

Stored = Callable[[Sequence[InboxClick], Sequence[LinkOfRecipient]], None]


class Meters:
    """On every click's way: together less than two microseconds for a click."""

    def __init__(self) -> None:
        self._seconds = Histogram(SECONDS)
        self._before = deque([self._seconds.counts()], maxlen=KEPT)
        self._answers: Counter[tuple[str, ...]] = Counter()
        self._batches = Histogram(BATCH)
        self._verdicts: Counter[tuple[str, ...]] = Counter()

    def answered(self, status: int, seconds: float) -> None:
        """An answer to a link; only those that lead somewhere are in the histogram."""
        self._answers[str(status),] += 1
        if status == 302:
            self._seconds.add(seconds)

    def lately(self) -> dict[str, dict[str, int]]:
        """What a sign of life says: the answers since `KEPT` signs ago, by the seconds within which."""
        counts = self._seconds.counts()
        self._before.append(counts)
        return {"answers": {bound: count - self._before[0][bound] for bound, count in counts.items()}}

    def judged(self, click: InboxClick) -> None:
        self._verdicts[click.verdict, click.reason] += 1

    def counting(self, then: Stored) -> Stored:
        """`then`, with the commits before it counted."""

        def stored(clicks: Sequence[InboxClick], links: Sequence[LinkOfRecipient]) -> None:
            self._batches.add(len(clicks))
            then(clicks, links)

        return stored

    def read(self) -> Iterator[Metric]:
        yield self._seconds.family("linkwake_redirect_seconds", "From the request for a known link to its answer.")
        yield counter("linkwake_redirect_answers", "Answers to links, known and unknown.", ["status"], self._answers)
        yield counter("linkwake_clicks", "Clicks by their first verdict.", ["verdict", "reason"], self._verdicts)
        yield self._batches.family("linkwake_commit_clicks", "Clicks in one commit.")


class Metrics:
    """`GET /metrics`. `degraded` is what readiness says, and `more` reads what other parts count."""

    def __init__(
        self,
        meters: Meters,
        journal: Journal,
        delivery: SignalDelivery,
        flood: Flood,
        degraded: Callable[[], Mapping[str, str]],
        more: Sequence[Callable[[], Iterable[Metric]]],
    ) -> None:
        self._journal = journal
        self._degraded = degraded
        self._registry = registry(meters.read, delivery.read, flood.read, *more, self.read)

    async def __call__(self, request: Request) -> Response:
        if not from_inside(request):
            raise HTTPException(404)
        return metrics_answer(self._registry)

    def read(self) -> Iterator[Metric]:
        journal = self._journal
        states: dict[tuple[str, ...], float] = {(state,): count for state, count in vars(journal.counts).items()}
        yield counter("linkwake_journal_clicks", "What became of clicks; damaged: stretches of spool files.", ["state"], states)
        yield gauge("linkwake_spool_bytes", "Size of the spool that waits for PostgreSQL.", journal.spool.size)
        yield gauge("linkwake_spool_files", "Files of the spool that wait for PostgreSQL.", journal.spool.files)
        parts = GaugeMetricFamily("linkwake_degraded", "1 for each part that readiness calls degraded.", labels=["part"])
        for part in self._degraded():
            parts.add_metric([part], 1)
        yield parts
