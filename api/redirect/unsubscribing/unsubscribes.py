"""Makes requests to unsubscribe durable before they are answered: in PostgreSQL, and while it is away, in a spool of their own.

The spool is the one that clicks have (`api/redirect/keeping/spool.py`), in a directory of its own, so that clicks cannot fill it.
What it holds is done within a second of PostgreSQL's return.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from uuid import UUID

import structlog
from prometheus_client.core import Metric
from sqlalchemy.exc import DataError, IntegrityError

from api.http.within import within
from api.redirect.background.closing import pause
from api.redirect.keeping.frames import Damage
from api.redirect.keeping.spool import Spool, SpoolFile
from api.redirect.unsubscribing.spooled_unsubscribe import decode, encode
from models.database import Database
from safe_errors import describe
from services.consent.unsubscribe import UnknownRecipient, Unsubscribe, unsubscribe
from services.process.meters import counter, gauge

log = structlog.get_logger()

COMMIT_SECONDS = 2.0
"""Seconds after which a request that PostgreSQL has not taken goes to the spool. Whoever asks waits no longer."""
AT_ONCE = 2
"""Requests that are under way in PostgreSQL at one time, so that they never take all connections of the redirect."""
REPLAY_PAUSE = 0.5
"""Seconds between two looks for PostgreSQL, and for the files of dead processes."""
REFUSED = (DataError, IntegrityError)
"""Errors of a request itself. Every other error is one of PostgreSQL, and passes."""


class Kept(StrEnum):
    """What became of a request. `lost` is the one that is answered with "try again"."""

    COMMITTED = "committed"
    SPOOLED = "spooled"
    UNKNOWN = "unknown"
    LOST = "lost"


class Unsubscribes:
    """`told` gets the ids of the commands that a commit has made."""

    def __init__(self, database: Database, spool: Spool, told: Callable[[Sequence[UUID]], None]) -> None:
        self._database = database
        self._told = told
        self._places = asyncio.Semaphore(AT_ONCE)
        self._disk = asyncio.Lock()
        self._to_spool: list[tuple[Unsubscribe, asyncio.Future[bool]]] = []
        self.spool = spool
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.problem: str | None = None

    async def keep(self, asked: Unsubscribe) -> Kept:
        """Returns when the request is durable, unless it is `unknown` or `lost`."""
        kept = await self._keep(asked)
        self.counts[kept,] += 1
        return kept

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, does what is in the spool as soon as PostgreSQL answers."""
        while not stop.is_set():
            try:
                await self.spool.check()
                await self.replay()
                self.problem = None
            except Exception as error:  # whatever the error is, the file is still there
                if self.problem is None:
                    log.warning("unsubscribes wait in the spool", error=error)
                self.problem = describe(error)
            await pause(stop, REPLAY_PAUSE)

    async def replay(self) -> None:
        """Does everything that is in the spool now. Raises what PostgreSQL raises while it is away."""
        if not await self.spool.adopt():
            return
        await self._database.ping()  # before the file is closed: while PostgreSQL is away, each look would make a new one
        for file in await self.spool.take():
            await self._replay_file(file)

    def read(self) -> Iterator[Metric]:
        about = "Requests to unsubscribe; spooled: kept on disk while PostgreSQL was away; replayed: done from there."
        yield counter("linkwake_unsubscribes", about, ["outcome"], self.counts)
        yield gauge("linkwake_unsubscribe_spool_bytes", "Size of the unsubscribes that wait for PostgreSQL.", self.spool.size)

    async def _keep(self, asked: Unsubscribe) -> Kept:
        try:
            await within(COMMIT_SECONDS, self._commit_in_turn(asked))
        except UnknownRecipient:
            return Kept.UNKNOWN
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
        async with self._places:
            await self._commit(asked)

    async def _commit(self, asked: Unsubscribe, *, late: bool = False) -> None:
        async with self._database.transaction() as session:
            command_ids = await unsubscribe(session, asked, late=late)
        self._told(command_ids)

    async def _replay_file(self, file: SpoolFile) -> None:
        damage = Damage()
        for asked in await asyncio.to_thread(_decoded, file, damage):
            try:
                await self._commit(asked, late=True)
                self.counts["replayed",] += 1
            except (UnknownRecipient, *REFUSED) as error:
                self.counts["refused",] += 1
                log.error("spooled unsubscribe refused", request_id=str(asked.id), error=error)
        await self.spool.remove(file)
        if damage.spans or damage.tail:
            log.error("spool file was damaged", file=file.path.name, unreadable=damage.spans, bytes_at_the_end=damage.tail)
        log.info("spooled unsubscribes done", file=file.path.name)


def _decoded(file: SpoolFile, damage: Damage) -> list[Unsubscribe]:
    found = []
    for payload in file.payloads(damage):
        try:
            found.append(decode(payload))
        except ValueError:
            damage.spans += 1
    return found
