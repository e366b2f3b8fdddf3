"""Does the actions of firings that are due, one after another, many firings of a trigger together.

Each action is one transaction with its result, so it is done exactly once. Firings whose next action sends a message are left to
the sweeper of messages.

Organizations are worked for side by side, and of each one at most a share at a time. No statement waits for long, neither for an
answer about a segment nor for a lock. So neither the segments of one organization nor its imports hold up another's actions.
"""

import time
from asyncio import Semaphore
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client.core import Metric
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.actions.base import Batch, nothing
from activities.actions.registry import Actions
from activities.heartbeats import beating
from activities.side_by_side import side_by_side
from models.base import now
from models.database import Database, Patience
from models.triggers.due import DueFiring, claim_firings, give_back, hold_firings, next_due, postpone_firings
from models.triggers.firing import NotFiredReason
from models.triggers.published import ADMISSION, PublishedTrigger, load_triggers
from models.triggers.results import ActionResult, Later, Results, done, failed, record_results, refuse_firings
from models.wire.sweeper import SweepRequest, SweepResult
from safe_errors import describe
from services.away import ATTEMPTS, is_away, is_locked
from services.process.crashpoint import crashpoint
from services.process.meters import counter

log = structlog.get_logger()

SLICE, SHARE = 500, 100
"""The most firings that are under way at a time, and the most of them of one organization."""
ORGANIZATIONS_AT_ONCE = 4
"""Each has one connection of the worker's while its share is under way."""
TURN = 300.0
"""Seconds after which a sweep begins nothing new, so that its activity ends well within its time."""
SHARE_SECONDS = 5.0
"""After this time an organization begins no other action of its share and gives back the rest, so that others have their turn."""
ACTING = Patience(lock=1, statement=10, idle=60)
"""The patience of an action. A lock is waited for again later, behind others' firings."""
ASKING = ACTING._replace(statement=2)
"""The patience of the question whether contacts are in a segment. Somebody else writes its conditions."""
LOCKED = timedelta(seconds=2)
"""The time after which contacts are asked for again that somebody else has locked. This is no failed attempt."""
LEASE = timedelta(seconds=60)
"""After a worker dies, its firings are taken again this much later. A lease that ends too early does no harm, because each
action asks in its transaction whether it still has it."""
CLOCKS = timedelta(seconds=1)
"""The clock of PostgreSQL may be ahead of the worker's."""
BROKEN = 3
"""When so many firings of a batch in a row have failed alone, it is the action that is broken, and the others are not tried."""

Matching = Callable[[AsyncSession, UUID, UUID, Collection[UUID]], Awaitable[set[UUID]]]
"""Which of the contacts are in the segment of the organization, as `services/segments/matching.py` says."""


class RunTriggers:
    def __init__(
        self,
        database: Database,
        actions: Actions,
        matching: Matching,
        interval: timedelta | None = None,
        to_send: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`interval` is told to the sweeper with every sweep. Without one it keeps its own. `to_send` is called when messages are
        due, which another sweeper sends."""
        self._database = database
        self._actions = actions
        self._matching = matching
        self._interval = interval
        self._to_send = to_send
        self._clock = clock
        self._turns = Semaphore(ORGANIZATIONS_AT_ONCE)
        # Counts the results since the start of this process by kind and outcome; `retry` means left for later.
        self.outcomes: Counter[tuple[str, ...]] = Counter()

    def read(self) -> Iterator[Metric]:
        yield counter(
            "linkwake_trigger_actions",
            "Actions of triggers by what became of them; retry: left for later.",
            ["kind", "outcome"],
            self.outcomes,
        )

    @activity.defn
    async def run_triggers(self, _request: SweepRequest) -> SweepResult:
        """Does what is due until nothing is. What becomes due meanwhile is begun beside it."""
        end = self._clock() + TURN
        async with beating():
            taken = await side_by_side(self._claim, self._run, SLICE, lambda: self._clock() < end)
            await self._hand_over()
        return SweepResult(done={"firings": taken}, more=self._clock() >= end, interval=await self._until_next())

    async def _claim(self, room: int = SLICE, busy: Collection[UUID] = ()) -> list[DueFiring]:
        async with self._database.transaction() as session:
            return await claim_firings(session, room, SHARE, LEASE, sends=False, busy=busy)

    async def _hand_over(self) -> None:
        async with self._database.transaction() as session:
            at = await next_due(session, sends=True)
        if at is not None and at <= now() + CLOCKS:
            self._to_send()

    async def _until_next(self) -> timedelta | None:
        """Returns the time until the next firing is due when that comes before the next sweep."""
        if self._interval is None:
            return None
        async with self._database.transaction() as session:
            at = await next_due(session, sends=False)
        return min(self._interval, max(at - now(), timedelta(seconds=1))) if at else self._interval

    async def _run(self, claimed: Sequence[DueFiring]) -> None:
        """Does the share of one organization, one trigger after another."""
        async with self._turns:
            crashpoint("firings_claimed")
            end = self._clock() + SHARE_SECONDS
            try:
                async with self._database.transaction() as session:
                    triggers = await load_triggers(session, {each.trigger_id for each in claimed})
                for trigger in triggers.values():
                    await self._run_trigger(trigger, [each for each in claimed if each.trigger_id == trigger.id], end)
                if self._clock() >= end:
                    async with self._database.transaction() as session:
                        await give_back(session, claimed)
                await self._hand_over()
            except Exception as error:  # their lease ends, and then they are taken again
                log.warning("firings left for later", org_id=str(claimed[0].org_id), error=error)

    async def _run_trigger(self, trigger: PublishedTrigger, firings: Sequence[DueFiring], end: float) -> None:
        """Takes the firings from action to action until the time is over, those at the earliest position first."""
        waiting: defaultdict[int, list[DueFiring]] = defaultdict(list)
        for each in firings:
            waiting[each.next_action].append(each)
        while waiting and self._clock() < end:
            position = min(waiting)
            for each in await self._take(Batch(trigger, position, waiting.pop(position)), end):
                waiting[each.next_action].append(each)

    async def _take(self, batch: Batch, end: float) -> list[DueFiring]:
        """Returns the firings that go on to their next action."""
        try:
            return await self._attempt(batch)
        except Exception as error:
            if is_away(error) or len(batch.firings) == 1:
                return await self._leave(batch, error)
        return await self._take_alone(batch, end)

    async def _take_alone(self, batch: Batch, end: float) -> list[DueFiring]:
        """Takes one firing after another until the time is over, so that one whose data the action cannot bear holds up none of
        the others."""
        going_on: list[DueFiring] = []
        broken = 0
        for place, each in enumerate(batch.firings):
            if place and self._clock() >= end:
                break
            try:
                going_on += await self._attempt(Batch(batch.trigger, batch.position, [each]))
                broken = 0
            except Exception as error:
                broken += 1
                left = batch.firings[place:] if broken == BROKEN or is_away(error) else [each]
                going_on += await self._leave(Batch(batch.trigger, batch.position, left), error)
                if len(left) > 1:
                    break
        return going_on

    async def _attempt(self, batch: Batch) -> list[DueFiring]:
        """Does the action and writes its results, in one transaction."""
        after_commit: Callable[[], Awaitable[None]] = nothing
        async with self._database.transaction(ASKING if batch.position == ADMISSION else ACTING) as session:
            held = await hold_firings(session, batch.firings, batch.position)
            if not held:
                return []
            if batch.position == ADMISSION:
                results = await self._admit(session, batch.trigger, held)
            else:
                here = Batch(batch.trigger, batch.position, held)
                taken = await self._actions[batch.trigger.kind(batch.position)].take(
                    session, here, batch.trigger.action(batch.position)
                )
                results, after_commit = taken.results, taken.after_commit
            crashpoint("action_taken")
            ends, laters = _parted(results)
            going_on = await record_results(session, batch.trigger, batch.position, [f for f in held if f.id in ends], ends)
            for later, firings in laters.items():
                waiting = [each for each in held if each.id in firings]
                await postpone_firings(session, waiting, batch.position, later.why, later.at)
        crashpoint("action_recorded")
        self._count(batch, ends, sum(map(len, laters.values())))
        await _quietly(after_commit)
        return going_on

    async def _admit(self, session: AsyncSession, trigger: PublishedTrigger, firings: Sequence[DueFiring]) -> Results:
        """Refuses the firings whose contacts are not in the trigger's segment, and returns the others."""
        inside: Collection[UUID] = {each.contact_id for each in firings}
        if trigger.segment_id is not None:
            inside = await self._matching(session, trigger.org_id, trigger.segment_id, inside)
        await refuse_firings(session, trigger, [each for each in firings if each.contact_id not in inside])
        return {each.id: done() for each in firings if each.contact_id in inside}

    async def _leave(self, batch: Batch, error: Exception) -> list[DueFiring]:
        """Tries again later what could not be done. What is no outage fails for good at the tenth attempt."""
        trigger, position = batch.trigger, batch.position
        over = [each for each in batch.firings if not is_away(error) and each.attempts + 1 >= ATTEMPTS]
        again = [each for each in batch.firings if each not in over]
        results = {each.id: failed(f"gave up after {ATTEMPTS} attempts: {describe(error)}") for each in over}
        async with self._database.transaction() as session:
            at = now() + LOCKED if is_locked(error) else None
            await postpone_firings(session, await hold_firings(session, again, position), position, describe(error), at)
            held = await hold_firings(session, over, position)
            if position == ADMISSION:  # nobody knows whether the contact is in the segment, so nothing is done
                await refuse_firings(session, trigger, held, NotFiredReason.SEGMENT_UNANSWERED)
                held = []
            going_on = await record_results(session, trigger, position, held, results)
        self._count(batch, {each.id: results[each.id] for each in held}, len(again))
        log.warning(
            "an action of a trigger could not be done",
            trigger_id=str(trigger.id),
            position=position,
            failed=len(over),
            left_for_later=len(again),
            error=error,
        )
        return going_on

    def _count(self, batch: Batch, ends: dict[UUID, ActionResult], later: int) -> None:
        if batch.position == ADMISSION:
            return
        kind = batch.trigger.kind(batch.position)
        self.outcomes.update((kind, each.outcome.value) for each in ends.values())
        if later:
            self.outcomes[kind, "retry"] += later


def _parted(results: Results) -> tuple[dict[UUID, ActionResult], dict[Later, set[UUID]]]:
    """Returns what is over, and what is to be tried again at which time."""
    laters: defaultdict[Later, set[UUID]] = defaultdict(set)
    for firing_id, result in results.items():
        if isinstance(result, Later):
            laters[result].add(firing_id)
    return {key: result for key, result in results.items() if isinstance(result, ActionResult)}, laters


async def _quietly(after_commit: Callable[[], Awaitable[None]]) -> None:
    """What fails here is done by a sweeper."""
    try:
        await after_commit()
    except Exception as error:
        log.warning("left to the sweepers", error=error)
