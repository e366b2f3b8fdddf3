"""Fires the triggers for those who have not clicked, as soon as their deadlines have passed."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from uuid import UUID

from temporalio import activity

from activities.heartbeats import beating
from models.base import now
from models.database import Database
from models.triggers import not_clicked
from models.triggers.not_clicked import GRACE, Ahead
from models.wire.sweeper import SweepRequest, SweepResult

TURN = 60.0
"""Seconds after which a sweep hands on to the next one what is still due."""
SHARE = 10
"""The most triggers of one organization between two looks at all others."""
AT_LEAST = timedelta(seconds=1)
FINISH_EVERY = 60.0
"""Seconds between two searches for triggers that can meet no more messages."""


class SweepNotClicked:
    def __init__(
        self,
        database: Database,
        interval: timedelta = timedelta(seconds=10),
        clock: Callable[[], float] = time.monotonic,
        fired: Callable[[], None] = lambda: None,
    ) -> None:
        """`interval` is the longest time between two sweeps. `fired` is called after a commit with firings."""
        self._database = database
        self._interval = interval
        self._clock = clock
        self._fired = fired
        self._finished_at = float("-inf")

    @activity.defn
    async def sweep_not_clicked(self, _request: SweepRequest) -> SweepResult:
        """Looks at the due messages of all triggers, one page of each trigger after the other. The next sweep comes when the next
        deadline has passed."""
        end, done = self._clock() + TURN, {"messages": 0, "fired": 0}
        async with beating():
            ended = await self._finish()
            opened, due = await self._ahead()
            while due and self._clock() < end:
                before = done["messages"]
                for trigger in due:
                    await self._look(trigger, done)
                opened, due = await self._ahead()
                if done["messages"] == before:  # what is left waits for clicks that are not decided or recorded
                    break
        late = bool(due) and self._clock() >= end
        return SweepResult(done={**done, "finished": ended}, more=late, interval=self._until_next(opened))

    async def _ahead(self) -> tuple[list[Ahead], list[Ahead]]:
        """Returns all open triggers, and those that have something to look at now."""
        async with self._database.transaction() as session:
            opened = await not_clicked.ahead(session)
        at = now() - GRACE
        return opened, _in_turns(each for each in opened if each.deadline is not None and each.deadline <= at)

    async def _look(self, trigger: Ahead, done: dict[str, int]) -> None:
        """Looks at a page. The time up to which accepted messages are visible is read before it."""
        async with self._database.statement() as session:
            visible_until = await not_clicked.visible_until(session)
        async with self._database.transaction() as session:
            looked = await not_clicked.look(session, trigger, now(), visible_until)
        done["messages"] += looked.messages
        done["fired"] += looked.fired
        if looked.fired:
            self._fired()

    async def _finish(self) -> int:
        if self._clock() - self._finished_at < FINISH_EVERY:
            return 0
        self._finished_at = self._clock()
        async with self._database.transaction() as session:
            return await not_clicked.finish(session)

    def _until_next(self, opened: Iterable[Ahead]) -> timedelta:
        """Returns the time until the next deadline that can be known. A message that is accepted later has its own after the
        shortest `within` at the earliest."""
        at = now()
        waits = [each.within if each.deadline is None else min(each.within, _left(each.deadline, at)) for each in opened]
        return min(self._interval, max(AT_LEAST, min(waits, default=self._interval)))


def _left(deadline: datetime, at: datetime) -> timedelta:
    return deadline + GRACE - at


def _in_turns(triggers: Iterable[Ahead]) -> list[Ahead]:
    """Returns the first one of each organization, then the second ones, and so on."""
    of_organization: defaultdict[UUID, list[Ahead]] = defaultdict(list)
    for each in triggers:
        of_organization[each.org_id].append(each)
    rounds = zip_longest(*(own[:SHARE] for own in of_organization.values()))
    return [each for each in chain.from_iterable(rounds) if each is not None]
