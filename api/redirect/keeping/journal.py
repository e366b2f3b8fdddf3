"""Makes clicks durable. All clicks that arrive while a commit is running go into the next one together (group commit).

It has one connection of its own and makes one commit at a time. When the first click of those that wait has waited for the
budget, all of them go to the spool and are answered. The commit goes on, and if it succeeds as well, the ids make the replay
harmless. See `docs/tracking.md`.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from itertools import chain

import structlog

from api.redirect.keeping.inbox import Away, Inbox, Refused
from api.redirect.keeping.replay import Replay
from api.redirect.keeping.spool import Spool
from api.redirect.keeping.spooled_click import SpooledClick
from models.clicks.inbox import InboxClick, LinkOfRecipient
from services.process.crashpoint import crashpoint

log = structlog.get_logger()

MAX_BATCH = 1000
UNSAVED_LIMIT = 20_000
"""The most clicks in memory that neither PostgreSQL nor the spool takes, about 1 kB each."""
FIRST_PAUSE, LAST_PAUSE = 0.02, 1.0
CLOSE_SECONDS = 5.0

Stored = Callable[[Sequence[InboxClick], Sequence[LinkOfRecipient]], None]


@dataclass
class Counts:
    """Counts clicks since the start; each count only grows.

    `late` clicks were answered before PostgreSQL had them. Of these, `spooled` ones were on disk, and `lost` ones were only in
    memory, or PostgreSQL refused them. Of the lost ones, `rescued` were stored later after all. `replayed` clicks went from the
    spool into PostgreSQL, including those of dead processes. `damaged` counts stretches of spool files that could not be read.
    """

    stored: int = 0
    late: int = 0
    spooled: int = 0
    lost: int = 0
    rescued: int = 0
    replayed: int = 0
    damaged: int = 0


class State(Enum):
    """UNSAVED clicks are answered, but are only in memory."""

    WAITING = auto()
    STORED = auto()
    SPOOLED = auto()
    UNSAVED = auto()
    GONE = auto()


@dataclass(eq=False, slots=True)
class PendingClick:
    """A click on its way, and who waits for it. `since` is a time of the loop's clock."""

    click: InboxClick
    wakes: bool
    since: float
    durable: asyncio.Future[bool]
    state: State = State.WAITING

    def answer(self, state: State) -> None:
        self.state = state
        if not self.durable.done():  # it is done when it was answered before, or when the client has gone
            self.durable.set_result(state is State.STORED)


class Journal:
    """`stored` is called after each commit with the clicks, and with those of their links whose signals are to be delivered."""

    def __init__(self, url: str, budget: timedelta, stored: Stored, spool: Spool) -> None:
        self._inbox = Inbox(url)
        self._budget = budget.total_seconds()
        self._stored = stored
        self._waiting: deque[PendingClick] = deque()
        self._storing: list[PendingClick] = []
        self._spooling: list[PendingClick] = []
        self._unsaved: deque[PendingClick] = deque()
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.spool = spool
        self.counts = Counts()
        self.problem: str | None = None
        self._replay = Replay(Inbox(url), self)

    async def start(self) -> None:
        await self.spool.open()
        self._tasks = [asyncio.create_task(work()) for work in (self._run, self._watch, self._replay.run)]

    async def close(self) -> None:
        """Stores what is in memory, for at most 5 seconds, or spools it. What is in the spool is left to the next process."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                # An event would have to be kept for clicks in four states, for one moment in a process's life.
                while any(held.state is State.WAITING or self.problem is None for held in self._unsafe()):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if any(held.state is State.WAITING for held in self._unsafe()):
            await self._fall_back()
        await self._inbox.close()
        await self.spool.close()

    def add(self, click: InboxClick, wakes: bool, durable: asyncio.Future[bool]) -> None:
        """`durable` is done when the click is committed (True), or when its budget is over and it is in the spool (False).

        It is also False when neither PostgreSQL nor the spool has the click, which is counted as lost. `wakes` says that
        something waits for this click, so its link goes into the outbox.
        """
        self._waiting.append(PendingClick(click, wakes, durable.get_loop().time(), durable))
        self._arrived.set()

    async def write(self, click: InboxClick, wakes: bool) -> bool:
        """Does what `add` does, and waits for the result."""
        durable: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.add(click, wakes, durable)
        return await durable

    def replayed(self, clicks: Sequence[InboxClick], links: Sequence[LinkOfRecipient]) -> None:
        """Call this when clicks of the spool are committed."""
        self.problem = None
        self.counts.replayed += len(clicks)
        self._stored(clicks, links)

    def is_back(self) -> None:
        """Call this when PostgreSQL answers again."""
        self.problem = None

    def lose(self, click: InboxClick, why: str) -> None:
        self.counts.lost += 1
        log.error("click lost", click_id=str(click.id), content_id=click.content_id, why=why)

    async def _run(self) -> None:
        with contextlib.suppress(Away):  # the first click must not wait for the connection; `_store` notes what is wrong
            await self._inbox.connect()
        while True:
            await self._arrived.wait()
            self._storing = [*_take(self._waiting, MAX_BATCH)]
            self._storing += _take(self._unsaved, MAX_BATCH - len(self._storing))
            await self._store(self._storing)
            self._storing = []
            if not self._waiting and not self._unsaved:
                self._arrived.clear()

    async def _store(self, batch: Sequence[PendingClick]) -> None:
        """Runs until all of it is stored or spooled, however long PostgreSQL is away. A click that PostgreSQL refuses is lost
        alone."""
        pause = FIRST_PAUSE
        while batch := [held for held in batch if held.state in (State.WAITING, State.UNSAVED)]:
            try:
                return await self._commit(batch)
            except Refused as error:
                if len(batch) == 1:
                    return self._refuse(batch[0], str(error))
                break
            except Away as error:
                self._note(str(error))  # the commit may have happened all the same, and storing twice changes nothing
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE)
        for held in batch:
            await self._store([held])
        return None

    async def _commit(self, batch: Sequence[PendingClick]) -> None:
        clicks, waking = [held.click for held in batch], [held.click for held in batch if held.wakes]
        links = await self._inbox.store(clicks, waking)
        crashpoint("committed")
        self.problem = None
        self.counts.stored += len(batch)
        for held in batch:
            self.counts.rescued += held.state is State.UNSAVED
            held.answer(State.STORED)
        self._stored(clicks, links)

    async def _watch(self) -> None:
        while True:
            oldest = next((held.since for held in self._unsafe() if held.state is State.WAITING), None)
            now = asyncio.get_running_loop().time()
            # When nobody waits, it sleeps a whole budget: clicks that come meanwhile have not waited longer than that.
            rest = self._budget if oldest is None else oldest + self._budget - now
            if rest > 0:
                await asyncio.sleep(rest)
            else:
                await self._fall_back()

    async def _fall_back(self) -> None:
        """Moves all that wait to the spool in one write, and answers them. Clicks whose commit is running stay in it."""
        everyone = list({id(held): held for held in self._unsafe() if held.state is State.WAITING}.values())
        self._spooling, self._waiting = everyone, deque()
        durable = await self._spool(everyone)
        if durable:
            crashpoint("spooled")
        for held in everyone[:durable]:
            if held.state is State.WAITING:  # not committed meanwhile
                self.counts.late += 1
                self.counts.spooled += 1
                held.answer(State.SPOOLED)
        in_commit = {id(held) for held in self._storing}
        for held in everyone[durable:]:
            if held.state is State.WAITING:
                self._keep_unsaved(held, id(held) in in_commit)
        self._spooling = []

    async def _spool(self, batch: Sequence[PendingClick]) -> int:
        try:
            return await self.spool.append([SpooledClick(held.click, held.wakes).encode() for held in batch])
        except Exception:  # whatever the error is, the contacts are sent on
            log.exception("spool failed")
            return 0

    def _keep_unsaved(self, held: PendingClick, in_commit: bool) -> None:
        """The one permitted loss: the click is answered, and only in memory until PostgreSQL is back."""
        self.counts.late += 1
        self.lose(held.click, f"not in PostgreSQL and not in the spool: {self.spool.problem}")
        held.answer(State.UNSAVED)
        if not in_commit and len(self._unsaved) < UNSAVED_LIMIT:
            self._unsaved.append(held)
            self._arrived.set()

    def _refuse(self, held: PendingClick, why: str) -> None:
        if held.state is State.WAITING:
            self.lose(held.click, why)
        held.answer(State.GONE)

    def _unsafe(self) -> Iterator[PendingClick]:
        """Returns the clicks in the order of arrival, with those that are only in memory apart."""
        everyone = chain(self._storing, self._spooling, self._waiting, self._unsaved)
        return (held for held in everyone if held.state in (State.WAITING, State.UNSAVED))

    def _note(self, error: str) -> None:
        if self.problem is None:
            log.warning("PostgreSQL is away: clicks go to the spool", error=error)
        self.problem = error


def _take(queue: deque[PendingClick], count: int) -> Iterator[PendingClick]:
    return (queue.popleft() for _ in range(min(count, len(queue))))
