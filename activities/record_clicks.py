"""Takes clicks out of the inbox and records them, with location and device, in one transaction; then tells campaigns their
counts.

It is safe to repeat at any point: what was recorded is recorded once, and counters are raised by rows really inserted only.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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

from models.base import made_at
from models.clicks import partitions as click_partitions
from models.clicks import recording
from models.clicks.inbox import InboxClick
from models.clicks.recording import DescribedClick, Kept, Metadata, Taken, WaitingClick
from models.clicks.verdict import Verdict
from models.database import Database
from models.wire.campaigns import CampaignDigest
from models.wire.clicks import RecorderInput, RecordResult
from models.wire.names import campaign_workflow_id
from safe_errors import describe
from services.clicks.device_types import DeviceType
from services.clicks.devices import read_device
from services.clicks.geo_locations import GeoLocation, GeoLocations
from services.process.crashpoint import crashpoint
from services.process.meters import BATCH, SECONDS, Histogram, counter

log = structlog.get_logger()

SHORT = 0.5
"""The processors are short when something waited for one in more than this part of the time. Recording alone stays below 0.35,
and so does a steady 1,000 clicks a second beside it. Links that are clicked as fast as they are answered reach 0.7 to 0.8."""
REST, LONGEST_REST = 4.0, 4.0
"""How long a rest is: this many times as long as the batch took, and at most this many seconds."""
DIGEST_EVERY = timedelta(seconds=3)
RPC_TIMEOUT = timedelta(seconds=5)
# A click from before the product existed, or from after tomorrow, would make a partition of its own for ever.
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
# The redirect cuts user agents at 500 characters, so that a click in the inbox is never larger than this.
CLICK_BYTES, BATCH_BYTES = 2_500, 10_000_000
NOTHING = Kept(0, ())


class Meters:
    """Counts batches that were not empty: clicks taken, and seconds from the taking to the commit. `rested` is in seconds.
    `fired` counts the firings of triggers."""

    def __init__(self) -> None:
        self.clicks = Histogram(BATCH)
        self.seconds = Histogram(SECONDS)
        self.rested = 0.0
        self.fired = 0

    def read(self) -> Iterator[Metric]:
        yield self.clicks.family("linkwake_recorder_batch_clicks", "Clicks taken out of the inbox in one transaction.")
        yield self.seconds.family("linkwake_recorder_seconds", "How long such a transaction took.")
        yield counter("linkwake_recorder_rested_seconds", "Rests while the processors were short.", [], {(): self.rested})
        yield counter("linkwake_trigger_firings", "How often people's clicks have fired triggers.", [], {(): self.fired})


class RecordClicks:
    """With `client` None, campaigns get no digests. `batch_rows` is the number of clicks in one transaction, which also has at
    most 10 MB. `shards` is the target number of recorders, told to each with every batch; None keeps the current number. `waited`
    returns for how many seconds so far something has waited for a processor that the recorder shares with the redirect. `fired`
    is called after a commit with firings of triggers."""

    def __init__(
        self,
        database: Database,
        places: GeoLocations,
        client: Client | None = None,
        batch_rows: int = 2000,
        shards: int | None = None,
        waited: Callable[[], float] = lambda: 0.0,
        fired: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._places = places
        self._client = client
        self._batch_rows = min(batch_rows, BATCH_BYTES // CLICK_BYTES)
        self._shards = shards
        self._waited = waited
        self._fired = fired
        self.meters = Meters()
        # The threads are of its own, so that recording does not wait for other work in threads.
        self._threads = ThreadPoolExecutor(2, "describe")
        # Campaigns whose latest clicks came too soon after a digest. They are lost with the process, and then the next click
        # tells.
        self._owed: set[UUID] = set()

    @activity.defn
    async def record_clicks(self, recorder: RecorderInput) -> RecordResult:
        """Records one batch. `remaining` says that the batch, or an organization's share of it, was full, so there may be
        more."""
        begin, waited = time.perf_counter(), self._waited()
        (taken, more), kept = await self._record(recorder)
        seconds, waited = time.perf_counter() - begin, self._waited() - waited
        if taken:
            self.meters.clicks.add(len(taken))
            self.meters.seconds.add(seconds)
        if kept.fired:
            self.meters.fired += kept.fired
            self._fired()
        self._owed.update(kept.campaigns)
        await self._send_digests()
        if more and waited > SHORT * seconds:
            await self._rest(min(REST * seconds, LONGEST_REST))
        return RecordResult(recorded=kept.recorded, remaining=more, shards=self._shards)

    async def _rest(self, seconds: float) -> None:
        """Rests, because somebody waits for the redirect and nobody for the recorder. A worker that is to stop rests no more."""
        self.meters.rested += seconds
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(activity.wait_for_worker_shutdown(), seconds)

    async def _record(self, recorder: RecorderInput) -> tuple[Taken, Kept]:
        """Returns the clicks that were taken, and what of them was new."""
        while True:
            async with self._database.transaction() as session:
                taken = await recording.take_clicks(session, recorder, self._batch_rows)
                good, bad = _parted(taken.clicks)
                months = {click_partitions.month_of(each.id) for each in good}
                missing = await click_partitions.missing_partitions(session, months)
                if not missing:
                    for click, problem in bad:
                        await self._reject(session, click, problem)
                    kept = await self._keep(session, good)
                    await recording.remove_clicks(session, [each.click for each in taken.clicks])
                    return taken, kept
            await self._make_partitions(missing)

    async def _keep(self, session: AsyncSession, clicks: Sequence[InboxClick]) -> Kept:
        # Reading a user agent that was not seen before takes about 0.7 ms, which must not be on the loop that the worker's other
        # tasks share.
        described = await asyncio.get_running_loop().run_in_executor(self._threads, self._describe_all, clicks)
        kept = await self._keep_or_reject(session, described)
        if kept.recorded:
            crashpoint("kept")
        return kept

    async def _keep_or_reject(self, session: AsyncSession, described: Sequence[DescribedClick]) -> Kept:
        """Records all clicks at once. If PostgreSQL refuses the data, they are recorded one by one, and the refused one is set
        aside."""
        if not described:
            return NOTHING
        try:
            async with session.begin_nested():
                return await recording.keep_clicks(session, described)
        except (DataError, IntegrityError) as error:
            if len(described) == 1:
                await self._reject(session, described[0].click, describe(error))
                return NOTHING
        kept = [await self._keep_or_reject(session, [each]) for each in described]
        campaigns = [id for each in kept for id in each.campaigns]
        return Kept(sum(each.recorded for each in kept), campaigns, sum(each.fired for each in kept))

    async def _reject(self, session: AsyncSession, click: InboxClick, problem: str) -> None:
        log.warning("click set aside", click_id=str(click.id), problem=problem)
        await recording.reject_click(session, click, problem)

    def _describe_all(self, clicks: Sequence[InboxClick]) -> list[DescribedClick]:
        find = lru_cache(maxsize=None)(self._places.find)  # for this batch only: a scanner's clicks come from one address
        return [self._describe(click, find) for click in clicks]

    def _describe(self, click: InboxClick, find: Callable[[str | None], GeoLocation]) -> DescribedClick:
        if click.user_agent is None:  # the organization kept no metadata when this click came
            return DescribedClick(click, None)
        place, device = find(click.ip), read_device(click.user_agent)
        # A click that the redirect knows to be a machine's is not on a person's device, whatever its user agent looks like.
        kind = DeviceType.BOT if click.verdict == Verdict.BOT else device.type
        metadata = Metadata(place.country, place.city, kind.value, device.browser, device.os, place.region)
        return DescribedClick(click, metadata)

    async def _make_partitions(self, months: Iterable[datetime]) -> None:
        for month in sorted(months):
            async with self._database.transaction() as session:
                await click_partitions.make_partition(session, month)

    async def _send_digests(self) -> None:
        if self._client is None or not self._owed:
            return
        async with self._database.transaction() as session:
            due = await recording.due_digests(session, self._owed, DIGEST_EVERY)
        for campaign_id, digest in due:
            self._owed.discard(campaign_id)
            await self._send_digest(self._client, campaign_workflow_id(campaign_id), digest)

    async def _send_digest(self, client: Client, workflow_id: str, digest: CampaignDigest) -> None:
        """Sends a digest. It is a display and not a fact: what cannot be sent now is in the next one."""
        try:
            await client.get_workflow_handle(workflow_id).signal("digest", digest, rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                log.warning("campaign not told of its clicks", workflow_id=workflow_id, error=error)


def _parted(taken: Iterable[WaitingClick]) -> tuple[list[InboxClick], list[tuple[InboxClick, str]]]:
    """Returns those that can be recorded, and the others with the reason why not."""
    latest = datetime.now(UTC) + AHEAD
    judged = [(waiting.click, _problem(waiting, latest)) for waiting in taken]
    return [click for click, problem in judged if not problem], [(click, problem) for click, problem in judged if problem]


def _problem(waiting: WaitingClick, latest: datetime) -> str | None:
    """Returns why this click cannot be recorded."""
    click = waiting.click
    if not waiting.known:
        return f"There is no message {click.recipient_number} of content {click.content_id}."
    if not waiting.linked:
        return f"Content {click.content_id} has no link at position {click.position}."
    if not (EARLIEST <= click.clicked_at <= latest and EARLIEST <= made_at(click.id) <= latest):
        return "The time of the click is impossible: check the clock of the machine that runs the redirect."
    return None
