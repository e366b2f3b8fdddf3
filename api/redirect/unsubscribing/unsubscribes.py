"""Makes requests to unsubscribe durable before they are answered: in PostgreSQL, and while it is away, in a spool of their own.

The spool is the one that clicks have (`api/redirect/keeping/spool.py`), in a directory of its own, so that clicks cannot fill it.
What it holds is done within a second of PostgreSQL's return. Organizations do not wait for each other: each has one place at a
time, and whoever waits for a lock gives it back soon.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from uuid import UUID

import structlog
from prometheus_client.core import Metric

from api.http.within import within
from api.redirect.answering.rate_limit import RateLimit
from api.redirect.background.closing import pause
from api.redirect.keeping.spool import Spool
from api.redirect.unsubscribing.places import ContentOrganizations, Places
from api.redirect.unsubscribing.replay import AT_ONCE as REPLAYED_AT_ONCE
from api.redirect.unsubscribing.replay import Replay
from api.redirect.unsubscribing.spooled_unsubscribe import encode
from models.database import Database, Patience
from safe_errors import describe
from services.consent.unsubscribe import ErasedRecipient, UnknownRecipient, Unsubscribe, unsubscribe
from services.process.meters import counter, gauge

log = structlog.get_logger()

COMMIT_SECONDS = 2.0
"""Seconds after which a request that PostgreSQL has not taken goes to the spool. Whoever asks waits no longer."""
AT_ONCE = 4
"""Requests that are under way in PostgreSQL at one time, each of another organization."""
POOL_SIZE = AT_ONCE + REPLAYED_AT_ONCE + 1
"""Connections that are for these requests alone: their places, and one to look for the organization."""
PATIENCE = Patience(lock=0.5, statement=5, idle=5)
REPEATS = 20
"""So many requests of one token are taken at once, and as many again each minute. Opt-outs and choices are counted apart, so that
nobody can use up somebody's opt-outs with choices."""
REPLAY_PAUSE = 0.5
"""Seconds between two looks for PostgreSQL, and for the files of dead processes."""


class Kept(StrEnum):
    """What became of a request. `lost` and `limited` are answered with "try again": nothing could take it, or the same token has
    asked too often."""

    COMMITTED = "committed"
    SPOOLED = "spooled"
    UNKNOWN = "unknown"
    LOST = "lost"
    LIMITED = "limited"
    ERASED = "erased"


class Unsubscribes:
    """`told` gets the ids of the commands that a commit has made."""

    def __init__(self, database: Database, spool: Spool, told: Callable[[Sequence[UUID]], None]) -> None:
        self._database = database
        self._told = told
        self._places = Places(AT_ONCE)
        self._organizations = ContentOrganizations()
        self._repeats = RateLimit(REPEATS)
        self._disk = asyncio.Lock()
        self._to_spool: list[tuple[Unsubscribe, asyncio.Future[bool]]] = []
        self.spool = spool
        self.counts: Counter[tuple[str, ...]] = Counter()
        self._replay = Replay(spool, self._commit_late, self._organizations, self.counts)
        self._away: str | None = None

    @property
    def problem(self) -> str | None:
        """Why requests wait in the spool, or None."""
        return self._away or self._replay.problem

    async def keep(self, asked: Unsubscribe) -> Kept:
        """Returns when the request is durable, if it is `committed` or `spooled`."""
        token = f"{asked.content_id} {asked.recipient_number} {bool(asked.choices)}"
        kept = await self._keep(asked) if self._repeats.takes(token) else Kept.LIMITED
        self.counts[kept,] += 1
        return kept

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, does what is in the spool as soon as PostgreSQL answers."""
        while not stop.is_set():
            try:
                await self.spool.check()
                await self._replay.look(self._database)
                self._away = None
            except Exception as error:  # whatever the error is, the file is still there
                if self._away is None:
                    log.warning("unsubscribes wait in the spool", error=error)
                self._away = describe(error)
            await pause(stop, REPLAY_PAUSE)
        await self._replay.close()

    async def replay(self) -> None:
        """Tries everything that is in the spool now. Raises what PostgreSQL raises while it is away."""
        await self._replay.look(self._database)
        await self._replay.finish()

    async def close(self) -> None:
        await self.spool.close()
        await self._database.close()

    def read(self) -> Iterator[Metric]:
        about = "Requests to unsubscribe; spooled: kept on disk while PostgreSQL was away; replayed: done from there."
        yield counter("linkwake_unsubscribes", about, ["outcome"], self.counts)
        yield gauge("linkwake_unsubscribe_spool_bytes", "Size of the unsubscribes that wait for PostgreSQL.", self.spool.size)

    async def _keep(self, asked: Unsubscribe) -> Kept:
        try:
            await within(COMMIT_SECONDS, self._commit_in_turn(asked))
        except UnknownRecipient:
            return Kept.UNKNOWN
        except ErasedRecipient:
            return Kept.ERASED
        except Exception as error:  # it may be committed all the same, and doing it twice changes nothing
            log.warning("unsubscribe goes to the spool", error=error)
            return await self._to_disk(asked)
        return Kept.COMMITTED

    async def _to_disk(self, asked: Unsubscribe) -> Kept:
        """Whoever gets the disk writes for all that wait for it by then, so that many share one fsync."""
        durable: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._to_spool.append((asked, durable))
        async with self._disk:
            batch, self._to_spool = self._to_spool, []
            if batch:
                await self._spool_all(batch)
        return Kept.SPOOLED if durable.result() else Kept.LOST

    async def _spool_all(self, batch: Sequence[tuple[Unsubscribe, asyncio.Future[bool]]]) -> None:
        durable = 0
        try:
            durable = await self.spool.append([encode(asked) for asked, _ in batch])
        except Exception:
            log.exception("unsubscribes not spooled")
        finally:
            for number, (_, answer) in enumerate(batch):
                answer.set_result(number < durable)
            if durable < len(batch):
                log.error("unsubscribes not kept: those who asked are told to try again", why=self.spool.problem)

    async def _commit_in_turn(self, asked: Unsubscribe) -> None:
        organizations = await self._organizations.find(self._database, [asked.content_id])
        if asked.content_id not in organizations:
            raise UnknownRecipient
        async with self._places.place(organizations[asked.content_id]):
            await self._commit(asked)

    async def _commit_late(self, asked: Unsubscribe) -> None:
        await self._commit(asked, late=True)

    async def _commit(self, asked: Unsubscribe, *, late: bool = False) -> None:
        async with self._database.transaction(PATIENCE) as session:
            command_ids = await unsubscribe(session, asked, late=late)
        self._told(command_ids)
