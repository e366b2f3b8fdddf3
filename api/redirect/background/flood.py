"""Limits how many clicks one network may make on one link in a minute before they are only counted.

Whoever asks for a link again and again is sent on each time. But a row for each of these clicks would delay everybody else's, so
beyond the limit they are added up, by link and hour, as `flood`.
"""

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog
from prometheus_client.core import Metric

from api.http.within import within
from api.redirect.background.closing import pause
from models.clicks import flood as click_flood
from models.clicks.flood import Flooded
from models.clicks.verdict import Verdict
from models.database import Database
from services.process.meters import counter
from tracking.tokens.token import Token
from tracking.verdicts.network import network_key

log = structlog.get_logger()

BITS = 18
BUCKETS = 1 << BITS
"""Buckets in each of two tables, 4 bytes each: 2 MB in all, however many networks and links there are."""
MINUTE = 60.0
WRITE_SECONDS = 1.0
ANSWER_SECONDS = 5.0


class ClickLimit:
    """Counts the clicks of a network (/24, /48) on a link with a verdict, in minutes that begin when the process does.

    A recipient's link is one of its own, and verdicts are counted apart, so that a contact's first click meets no limit, whoever
    else uses the same network and whatever machines do before; a shared link is one for everybody. Each combination has a place
    in two tables, and the smaller count is its own: that one shares both places with floods happens to one in 100,000 while as
    many links are flooded as a process can answer clicks. `a_minute`: so many are recorded; 0: all.
    """

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = a_minute
        self._clock = clock
        self._begin_minute(clock())

    def allows(self, ip: str | None, token: Token, verdict: Verdict) -> bool:
        """Counts one click. Addresses that cannot be known share a network."""
        if not self._most:
            return True
        now = self._clock()
        if now >= self._until:
            self._begin_minute(now)
        # Python's own hash is enough, because that of texts differs in each process.
        place = hash((network_key(ip or ""), token, verdict))
        first, second = place & BUCKETS - 1, BUCKETS + (place >> BITS & BUCKETS - 1)
        counts = self._counts
        if counts[first] >= self._most and counts[second] >= self._most:
            return False
        counts[first] += 1
        counts[second] += 1
        return True

    def _begin_minute(self, now: float) -> None:
        self._until = now + MINUTE
        self._counts = array("I", bytes(8 * BUCKETS))


class Flood:
    """Counts what `ClickLimit` does not allow, and writes the counts once a second. Counts that this process has not written when
    it is killed, at most a second's while PostgreSQL answers, are missing in reports."""

    def __init__(self, database: Database, limit: ClickLimit) -> None:
        self._database = database
        self._limit = limit
        self._waiting: Counter[Flooded] = Counter()
        self._away = False
        self.clicks = 0

    def read(self) -> Iterator[Metric]:
        yield counter("linkwake_flood_clicks", "Clicks beyond CLICK_LIMIT, counted and not recorded.", [], {(): self.clicks})

    def is_one_too_many(self, ip: str | None, token: Token, verdict: Verdict, at: datetime) -> bool:
        """Counts such a click here, which is all that is kept of it."""
        if self._limit.allows(ip, token, verdict):
            return False
        self.clicks += 1
        self._waiting[Flooded(token.content_id, token.position, at.replace(minute=0, second=0, microsecond=0))] += 1
        return True

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await pause(stop, WRITE_SECONDS)
            await self.write()  # includes those after the last click

    async def write(self) -> None:
        """Counts that PostgreSQL does not take now are kept for the next time."""
        if not self._waiting:
            return
        counts, self._waiting = self._waiting, Counter()
        try:
            await within(ANSWER_SECONDS, self._add(counts))
            self._away = False
        except Exception as error:  # whatever the error is, the counts are still here
            self._waiting.update(counts)
            if not self._away:
                log.warning("counts of floods left for later", error=error)
            self._away = True

    async def _add(self, counts: Counter[Flooded]) -> None:
        async with self._database.transaction() as session:
            await click_flood.add(session, counts)
