"""Sends the messages of triggers: takes the firings whose next action is a `send`, apart from all other actions, because a
channel may be slow.

Organizations are sent for side by side, and of each one at most a chunk at a time. So neither a flood nor a slow channel of one
organization holds up another's messages.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client.core import Metric
from temporalio import activity

from activities.actions.base import Batch
from activities.actions.send import Send, Sent
from activities.heartbeats import beating
from activities.side_by_side import side_by_side
from models.base import now
from models.database import Database
from models.messages import ledger
from models.triggers.due import DueFiring, claim_firings, hold_firings, next_due, postpone_firings
from models.triggers.published import load_triggers
from models.triggers.results import ActionResult, Later, failed, record_results
from models.wire.sweeper import SweepRequest, SweepResult
from safe_errors import describe
from services.away import ATTEMPTS, is_away
from services.process.crashpoint import crashpoint
from services.process.meters import counter

log = structlog.get_logger()

CHUNK = 50
"""The most messages of one organization that are sent together, which is also the most that a crash leaves to be asked about."""
AT_ONCE = 1000
"""The most messages that are under way at a time, of all organizations together."""
LEASE = timedelta(minutes=3)
"""Longer than a chunk takes whose channel answers nothing. A lease that ends too early does no harm: a message that is being sent
is not sent twice."""
TURN = 300.0
"""Seconds after which a sweep begins nothing new, so that its activity ends well within its time."""


class SendTriggered:
    def __init__(
        self,
        database: Database,
        send: Send,
        interval: timedelta | None = None,
        went_on: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`interval` is told to the sweeper with every sweep; without one it keeps its own. `went_on` is called when firings may
        have come to an action that is not a `send`."""
        self._database = database
        self._send = send
        self._interval = interval
        self._went_on = went_on
        self._clock = clock
        # Counts the results since the start of this process by outcome; `retry` means left for later.
        self.outcomes: Counter[tuple[str, ...]] = Counter()

    def read(self) -> Iterator[Metric]:
        yield counter(
            "linkwake_trigger_messages",
            "Messages of triggers by what became of their action; retry: left for later.",
            ["outcome"],
            self.outcomes,
        )

    @activity.defn
    async def send_triggered(self, _request: SweepRequest) -> SweepResult:
        """Sends what is due until nothing is. What becomes due while a channel is slow is begun beside it."""
        end = self._clock() + TURN
        async with beating():
            taken = await side_by_side(self._claim, self._send_chunk, AT_ONCE, lambda: self._clock() < end)
        return SweepResult(done={"firings": taken}, more=self._clock() >= end, interval=await self._until_next())

    async def _claim(self, room: int, busy: Collection[UUID]) -> list[DueFiring]:
        """Claims a chunk of each organization that is not busy, as long as there is room."""
        async with self._database.transaction() as session:
            return await claim_firings(session, room, CHUNK, LEASE, sends=True, busy=busy)

    async def _until_next(self) -> timedelta | None:
        """Returns the time until the next firing is due when that comes before the next sweep."""
        if self._interval is None:
            return None
        async with self._database.transaction() as session:
            at = await next_due(session, sends=True)
        return min(self._interval, max(at - now(), timedelta(seconds=1))) if at else self._interval

    async def _send_chunk(self, firings: Sequence[DueFiring]) -> None:
        """Sends for one organization: the firings of each trigger and position together. What fails is left for later, and never
        ends the sweep."""
        batches: defaultdict[tuple[UUID, int], list[DueFiring]] = defaultdict(list)
        for each in firings:
            batches[each.trigger_id, each.next_action].append(each)
        try:
            async with self._database.transaction() as session:
                triggers = await load_triggers(session, {each.trigger_id for each in firings})
        except Exception as error:  # their lease ends, and then they are taken again
            log.warning("messages of triggers are left for later", error=error)
            return
        await asyncio.gather(
            *(self._send_batch(Batch(triggers[trigger], position, own)) for (trigger, position), own in batches.items())
        )

    async def _send_batch(self, batch: Batch) -> None:
        """Sends the messages of the batch, and those of a `send` that comes next."""
        try:
            following: defaultdict[int, list[DueFiring]] = defaultdict(list)
            for each in await self._record(batch, await self._send.take(batch)):
                following[each.next_action].append(each)
            for position, firings in following.items():
                await self._send_batch(Batch(batch.trigger, position, firings))
        except Exception as error:
            log.warning("messages of a trigger are left for later", trigger_id=str(batch.trigger.id), error=error)
            try:
                await self._leave(batch, error)
            except Exception as failure:  # their lease ends, and then they are taken again
                log.warning("they wait until their lease ends", trigger_id=str(batch.trigger.id), error=failure)

    async def _record(self, batch: Batch, sent: Sent) -> list[DueFiring]:
        """Writes down what became of the messages, in the transaction in which their firings go on. Returns those that come to
        another message."""
        trigger, position = batch.trigger, batch.position
        ends = {key: result for key, result in sent.results.items() if isinstance(result, ActionResult)}
        laters = {key: result for key, result in sent.results.items() if isinstance(result, Later)}
        async with self._database.transaction() as session:
            await hold_firings(session, batch.firings, position)  # before their messages, as everybody locks them
            if sent.learned:
                await ledger.record_results(session, sent.learned)
            ended = [each for each in batch.firings if each.id in ends]
            going_on = await record_results(session, trigger, position, ended, ends) if ended else []
            for each in batch.firings:
                if later := laters.get(each.id):
                    await postpone_firings(session, [each], position, later.why, later.at)
        crashpoint("triggered_recorded")
        self.outcomes.update((result.outcome.value,) for result in ends.values())
        self.outcomes["retry",] += len(laters)
        if len(going_on) < len(ends):
            self._went_on()
        return going_on

    async def _leave(self, batch: Batch, error: Exception) -> None:
        """Tries again later what could not be done. What is no outage fails for good at the tenth attempt."""
        trigger, position = batch.trigger, batch.position
        over = [each for each in batch.firings if not is_away(error) and each.attempts + 1 >= ATTEMPTS]
        again = [each for each in batch.firings if each not in over]
        async with self._database.transaction() as session:
            await postpone_firings(session, await hold_firings(session, again, position), position, describe(error))
            held = await hold_firings(session, over, position)
            results = {each.id: failed(f"gave up after {ATTEMPTS} attempts: {describe(error)}") for each in held}
            if held:
                await record_results(session, trigger, position, held, results)
        self.outcomes["failed",] += len(held)
        self.outcomes["retry",] += len(again)
