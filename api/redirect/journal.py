"""Makes clicks durable: all clicks that arrive while a commit is running go into the next one together (group commit).

One connection of its own, one commit at a time. A commit that failed is repeated until PostgreSQL takes it; the ids make the
repetition harmless. See `docs/tracking.md`.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

import psycopg
import structlog

from models.click_inbox import Connection, InboxClick, LinkOfRecipient, store_clicks
from models.database import psycopg_url

log = structlog.get_logger()

MAX_BATCH = 1000
HELD_LIMIT = 20_000
"""Clicks kept in memory for a PostgreSQL that is away, about 1 kB each."""
COMMIT_SECONDS = 10.0
CONNECT_SECONDS = 5
FIRST_PAUSE, LAST_PAUSE = 0.02, 1.0
CLOSE_SECONDS = 5.0
# What is wrong with the click itself; everything else is wrong with PostgreSQL, and passes.
REFUSED = (psycopg.DataError, psycopg.IntegrityError, ValueError)

Stored = Callable[[Sequence[InboxClick], Sequence[LinkOfRecipient]], None]


@dataclass
class Counts:
    """Since the start. `late`: answered before they were stored. `lost`: never stored."""

    stored: int = 0
    late: int = 0
    lost: int = 0


@dataclass(eq=False)
class Held:
    """A click on its way, and who waits for it. `since`: the loop's clock."""

    click: InboxClick
    wakes: bool
    since: float
    durable: asyncio.Future[bool]

    def answer(self, durable: bool) -> None:
        if not self.durable.done():  # done: the budget was over, or the client has gone
            self.durable.set_result(durable)


class Journal:
    """`stored` is called after each commit with the clicks, and with the links of them that are new in the outbox."""

    def __init__(self, url: str, budget: timedelta, stored: Stored) -> None:
        self._url = psycopg_url(url)
        self._budget = budget.total_seconds()
        self._stored = stored
        self._waiting: deque[Held] = deque()
        self._storing: list[Held] = []
        self._arrived = asyncio.Event()
        self._connection: Connection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.counts = Counts()
        self.problem: str | None = None

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._watch())]

    async def close(self) -> None:
        """Store what is held, at most 5 seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                while self._waiting or self._storing:
                    await asyncio.wait([held.durable for held in chain(self._storing, self._waiting)], timeout=0.05)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._disconnect()
        for held in chain(self._storing, self._waiting):
            self._lose(held, "the redirect was stopped")

    async def write(self, click: InboxClick, wakes: bool) -> bool:
        """Returns when the click is committed (True), or when its budget is over (False): the answer must go out then.

        `wakes`: something waits for this click, so its link goes into the outbox.
        """
        held = Held(click, wakes, asyncio.get_running_loop().time(), asyncio.get_running_loop().create_future())
        if len(self._waiting) >= HELD_LIMIT:
            self._lose(held, "PostgreSQL is away and no more clicks can be held")
        else:
            self._waiting.append(held)
            self._arrived.set()
        return await held.durable

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._storing = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            await self._store(self._storing)
            self._storing = []
            if not self._waiting:
                self._arrived.clear()

    async def _store(self, batch: Sequence[Held], again: bool = False) -> None:
        """Until it is stored, however long PostgreSQL is away. Data that it refuses is lost alone."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._commit(batch, again)
            except REFUSED as error:
                if len(batch) == 1:
                    return self._lose(batch[0], str(error))
                break
            except (psycopg.Error, OSError, TimeoutError) as error:
                self._note(error)
                await self._disconnect()
            again = True  # the commit may have happened all the same
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE)
        for held in batch:
            await self._store([held], again=True)
        return None

    async def _commit(self, batch: Sequence[Held], again: bool) -> None:
        clicks, waking = [held.click for held in batch], [held.click for held in batch if held.wakes]
        async with asyncio.timeout(COMMIT_SECONDS):
            links = await store_clicks(await self._connected(), clicks, waking, again)
        self.problem = None
        self.counts.stored += len(batch)
        for held in batch:
            held.answer(True)
        self._stored(clicks, links)

    async def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="linkwake-redirect"
            )
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()

    async def _watch(self) -> None:
        """Lets those go who have waited for their budget."""
        while True:
            await asyncio.sleep(self._budget / 4)
            latest = asyncio.get_running_loop().time() - self._budget
            for held in chain(self._storing, self._waiting):  # in the order of arrival
                if held.since > latest:
                    break
                if not held.durable.done():
                    self._fall_back(held)

    def _fall_back(self, held: Held) -> None:
        """The budget is over and the click is not stored: where a click goes that PostgreSQL does not take. Here: it stays in
        memory, and is lost only if this process ends before PostgreSQL is back."""
        self.counts.late += 1
        held.answer(False)

    def _lose(self, held: Held, why: str) -> None:
        self.counts.lost += 1
        log.error("click lost", click_id=str(held.click.id), content_id=held.click.content_id, why=why)
        held.answer(False)

    def _note(self, error: Exception) -> None:
        if self.problem is None:
            log.warning("clicks are not stored now", error=str(error), held=len(self._storing) + len(self._waiting))
        self.problem = str(error).splitlines()[0] if str(error) else type(error).__name__
