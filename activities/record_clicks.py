"""Takes clicks out of the inbox and keeps them, with place and device, in one transaction; then tells campaigns how they do.

Safe to repeat at any point: what was kept is kept once, and counters are raised by rows really inserted only.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

import structlog
from prometheus_client.core import Metric
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.crashpoint import crashpoint
from activities.devices import DeviceType, read_device
from activities.meters import BATCH, SECONDS, Histogram, counter
from activities.places import Place, Places
from models import click_partitions, recording, wire
from models.database import Database
from models.recording import DescribedClick, Kept, Metadata, WaitingClick

log = structlog.get_logger()

SHORT = 0.5
"""The processors are short when something waited for one in more than this part of the time. Recording alone stays below 0.35,
and so does a steady 1,000 clicks a second beside it; links clicked as fast as they are answered reach 0.7 to 0.8."""
REST, LONGEST_REST = 4.0, 4.0
"""A rest: so many times as long as the batch took, and at most so many seconds."""
DIGEST_EVERY = timedelta(seconds=3)
RPC_TIMEOUT = timedelta(seconds=5)
# Before the product existed, or after tomorrow: such a click would make a partition of its own for ever.
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
# The redirect cuts user agents at 500 characters, so that a click in the inbox is never larger than this.
CLICK_BYTES, BATCH_BYTES = 2_500, 10_000_000
NOTHING = Kept(0, ())


class Meters:
    """Batches that were not empty: clicks taken, and seconds from the taking to the commit. `rested`: seconds."""

    def __init__(self) -> None:
        self.clicks = Histogram(BATCH)
        self.seconds = Histogram(SECONDS)
        self.rested = 0.0

    def read(self) -> Iterator[Metric]:
        yield self.clicks.family("linkwake_recorder_batch_clicks", "Clicks taken out of the inbox in one transaction.")
        yield self.seconds.family("linkwake_recorder_seconds", "How long such a transaction took.")
        yield counter("linkwake_recorder_rested_seconds", "Rests while the processors were short.", [], {(): self.rested})


class RecordClicks:
    """`client` None: campaigns get no digests. `batch_rows`: clicks in one transaction, and never more than 10 MB. `shards`:
    how many recorders there are to be, told to each with every batch; None: as there are. `waited`: for how many seconds so far
    something has waited for a processor that the recorder shares with the redirect."""

    def __init__(
        self,
        database: Database,
        places: Places,
        client: Client | None = None,
        batch_rows: int = 2000,
        shards: int | None = None,
        waited: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._database = database
        self._places = places
        self._client = client
        self._batch_rows = min(batch_rows, BATCH_BYTES // CLICK_BYTES)
        self._shards = shards
        self._waited = waited
        self.meters = Meters()
        # Campaigns whose latest clicks came too soon after a digest. Lost with the process: the next click tells.
        self._owed: set[UUID] = set()

    @activity.defn
    async def record_clicks(self, recorder: wire.RecorderInput) -> wire.RecordResult:
        """One batch. `remaining`: the batch was full, so there may be more."""
        begin, waited = time.perf_counter(), self._waited()
        taken, kept = await self._record(recorder)
        seconds, waited = time.perf_counter() - begin, self._waited() - waited
        remaining = taken == self._batch_rows
        if taken:
            self.meters.clicks.add(taken)
            self.meters.seconds.add(seconds)
        self._owed.update(kept.campaigns)
        await self._send_digests()
        if remaining and waited > SHORT * seconds:
            await self._rest(min(REST * seconds, LONGEST_REST))
        return wire.RecordResult(recorded=kept.recorded, remaining=remaining, shards=self._shards)

    async def _rest(self, seconds: float) -> None:
        """Somebody waits for the redirect and nobody for the recorder; a worker that is to stop rests no more."""
        self.meters.rested += seconds
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(activity.wait_for_worker_shutdown(), seconds)

    async def _record(self, recorder: wire.RecorderInput) -> tuple[int, Kept]:
        """How many clicks were taken, and what of them was new."""
        while True:
            async with self._database.transaction() as session:
                taken = await recording.take_clicks(session, recorder, self._batch_rows)
                good, bad = _parted(taken)
                missing = await click_partitions.missing_partitions(session, recording.months(good))
                if not missing:
                    for click, problem in bad:
                        await self._reject(session, click, problem)
                    kept = await self._keep(session, good)
                    await recording.remove_clicks(session, taken)
                    return len(taken), kept
            await self._make_partitions(missing)

    async def _keep(self, session: AsyncSession, clicks: Sequence[WaitingClick]) -> Kept:
        # A user agent not seen before takes about 0.7 ms to read: not on the loop that the worker's other tasks share.
        described = await asyncio.to_thread(self._describe_all, clicks)
        kept = await self._keep_or_reject(session, described)
        if kept.recorded:
            crashpoint("kept")
        return kept

    async def _keep_or_reject(self, session: AsyncSession, described: Sequence[DescribedClick]) -> Kept:
        """All at once; if PostgreSQL refuses the data, one by one, and the one that it refuses is set aside."""
        if not described:
            return NOTHING
        try:
            async with session.begin_nested():
                return await recording.keep_clicks(session, described)
        except (DataError, IntegrityError) as error:
            if len(described) == 1:
                await self._reject(session, described[0].click, str(error.orig))
                return NOTHING
        kept = [await self._keep_or_reject(session, [each]) for each in described]
        return Kept(sum(each.recorded for each in kept), [id for each in kept for id in each.campaigns])

    async def _reject(self, session: AsyncSession, click: WaitingClick, problem: str) -> None:
        log.warning("click set aside", click_id=click.id, problem=problem)
        await recording.reject_click(session, click, problem)

    def _describe_all(self, clicks: Sequence[WaitingClick]) -> list[DescribedClick]:
        find = lru_cache(maxsize=None)(self._places.find)  # for this batch: a scanner's clicks come from one address
        return [self._describe(click, find) for click in clicks]

    def _describe(self, click: WaitingClick, find: Callable[[str | None], Place]) -> DescribedClick:
        if click.user_agent is None:  # the organization kept no metadata when this click came
            return DescribedClick(click, None)
        place, device = find(click.ip), read_device(click.user_agent)
        # What the redirect knows to be a machine's is none of a person's devices, whatever its user agent looks like.
        kind = DeviceType.BOT if click.verdict == "bot" else device.type
        return DescribedClick(click, Metadata(place.country, place.city, kind.value, device.browser, device.os))

    async def _make_partitions(self, months: Iterable[datetime]) -> None:
        for month in sorted(months):
            async with self._database.transaction() as session:
                await click_partitions.make_partition(session, month)

    async def _send_digests(self) -> None:
        if self._client is None or not self._owed:
            return
        async with self._database.transaction() as session:
            due = await recording.due_digests(session, self._owed, DIGEST_EVERY)
        for org_id, campaign_id, digest in due:
            self._owed.discard(campaign_id)
            await self._send_digest(self._client, wire.campaign_workflow_id(org_id, campaign_id), digest)

    async def _send_digest(self, client: Client, workflow_id: str, digest: wire.CampaignDigest) -> None:
        """A display, not a fact: what cannot be sent now is in the next one."""
        try:
            await client.get_workflow_handle(workflow_id).signal("digest", digest, rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                log.warning("campaign not told of its clicks", workflow_id=workflow_id, error=error.message)


def _parted(taken: Iterable[WaitingClick]) -> tuple[list[WaitingClick], list[tuple[WaitingClick, str]]]:
    """Those that can be kept, and the others with why they cannot."""
    latest = datetime.now(UTC) + AHEAD
    judged = [(click, _problem(click, latest)) for click in taken]
    return [click for click, problem in judged if not problem], [(click, problem) for click, problem in judged if problem]


def _problem(click: WaitingClick, latest: datetime) -> str | None:
    """Why this click cannot be kept."""
    if not click.known:
        return f"There is no message {click.ordinal} of content {click.content_id}."
    if not click.linked:
        return f"Content {click.content_id} has no link at position {click.position}."
    if not EARLIEST <= click.clicked_at <= latest:
        return "The time of the click is impossible: check the clock of the machine that runs the redirect."
    return None
