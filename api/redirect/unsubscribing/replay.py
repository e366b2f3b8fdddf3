"""Does what the spool keeps of requests to unsubscribe: side by side for each organization, so that none waits for another's."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from api.redirect.keeping.frames import Damage
from api.redirect.keeping.spool import Spool, SpoolFile
from api.redirect.unsubscribing.places import ContentOrganizations, Places
from api.redirect.unsubscribing.spooled_unsubscribe import decode
from models.database import Database
from safe_errors import describe
from services.consent.unsubscribe import ErasedRecipient, UnknownRecipient, Unsubscribe

log = structlog.get_logger()

AT_ONCE = 2
"""Requests of the spool that are under way in PostgreSQL at one time, each of another organization."""
REFUSED = (DataError, IntegrityError)
"""Errors of a request itself. Every other error is one of PostgreSQL, and passes."""
LOCKED = "55P03"
"""The code of an error of PostgreSQL: somebody else has had the lock for longer than we wait."""


@dataclass(eq=False)
class _Taken:
    """A file of the spool, and how many of its requests are not done yet."""

    file: SpoolFile
    left: int


class Replay:
    """`commit` does one request. `organizations` and `counts` are the owner's."""

    def __init__(
        self,
        spool: Spool,
        commit: Callable[[Unsubscribe], Awaitable[None]],
        organizations: ContentOrganizations,
        counts: Counter[tuple[str, ...]],
    ) -> None:
        self._spool = spool
        self._commit = commit
        self._organizations = organizations
        self._counts = counts
        self._places = Places(AT_ONCE)
        self._taken: dict[SpoolFile, _Taken] = {}
        self._waiting: dict[UUID, deque[tuple[Unsubscribe, _Taken]]] = {}
        self._lanes: dict[UUID, asyncio.Task[None]] = {}
        self._errors: dict[UUID, Exception] = {}

    @property
    def problem(self) -> str | None:
        """Why requests were put off when their organization was tried last. They are tried again at the next look."""
        return describe(next(iter(self._errors.values()))) if self._errors else None

    async def look(self, database: Database) -> None:
        """Takes what is new in the spool, and begins with the organizations whose requests nobody is doing. Raises what
        PostgreSQL raises while it is away."""
        if not await self._spool.adopt():
            return
        await database.ping()  # before the file is closed: while PostgreSQL is away, each look would make a new one
        for file in await self._spool.take():
            if file not in self._taken:
                await self._take(database, file)
        for org_id in self._waiting:
            if org_id not in self._lanes:
                self._lanes[org_id] = asyncio.create_task(self._do(org_id))

    async def finish(self) -> None:
        """Waits until each organization that has begun has been tried once. Raises what put requests off."""
        await asyncio.gather(*self._lanes.values())
        for error in self._errors.values():
            raise error

    async def close(self) -> None:
        """What is not done stays in its file."""
        for lane in self._lanes.values():
            lane.cancel()
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)

    async def _take(self, database: Database, file: SpoolFile) -> None:
        damage = Damage()
        found = await asyncio.to_thread(_decoded, file, damage)
        organizations = await self._organizations.find(database, [asked.content_id for asked in found])
        if damage.spans or damage.tail:
            log.error("spool file was damaged", file=file.path.name, unreadable=damage.spans, bytes_at_the_end=damage.tail)
        taken = self._taken[file] = _Taken(file, len(found) + 1)
        for asked in found:
            org_id = organizations.get(asked.content_id)
            if org_id is None:
                self._refuse(asked, UnknownRecipient())
                await self._done(taken)
            else:
                self._waiting.setdefault(org_id, deque()).append((asked, taken))
        await self._done(taken)  # the file itself, which can be empty

    async def _do(self, org_id: UUID) -> None:
        """Tries each request of the organization once. One whose lock somebody else holds is put off, and the others go on."""
        waiting = self._waiting[org_id]
        self._errors.pop(org_id, None)
        try:
            for _ in range(len(waiting)):
                asked, taken = waiting[0]
                try:
                    async with self._places.place(org_id):
                        await self._commit(asked)
                    self._counts["replayed",] += 1
                except ErasedRecipient:
                    self._counts["erased",] += 1
                except (UnknownRecipient, *REFUSED) as error:
                    self._refuse(asked, error)
                except OperationalError as error:
                    if getattr(error.orig, "sqlstate", None) != LOCKED:
                        raise
                    self._put_off(org_id, error)
                    waiting.rotate(-1)
                    continue
                waiting.popleft()
                await self._done(taken)
        except Exception as error:  # whatever the error is, the file is still there
            self._put_off(org_id, error)
        finally:
            del self._lanes[org_id]
            if not waiting:
                del self._waiting[org_id]

    def _put_off(self, org_id: UUID, error: Exception) -> None:
        if org_id not in self._errors:
            log.warning("unsubscribes wait in the spool", org_id=str(org_id), error=error)
        self._errors[org_id] = error

    def _refuse(self, asked: Unsubscribe, error: Exception) -> None:
        self._counts["refused",] += 1
        log.error("spooled unsubscribe refused", request_id=str(asked.id), error=error)

    async def _done(self, taken: _Taken) -> None:
        taken.left -= 1
        if not taken.left:
            await self._spool.remove(taken.file)
            del self._taken[taken.file]
            log.info("spooled unsubscribes done", file=taken.file.path.name)


def _decoded(file: SpoolFile, damage: Damage) -> list[Unsubscribe]:
    """Of opt-outs that repeat each other, with nothing else by the same person between them, the first and the last one are
    enough."""
    found: list[Unsubscribe] = []
    runs: dict[tuple[int, int], list[int]] = {}
    for payload in file.payloads(damage):
        try:
            asked = decode(payload)
        except ValueError:
            damage.spans += 1
            continue
        person = (asked.content_id, asked.recipient_number)
        run = runs.setdefault(person, [])
        if asked.choices:
            run.clear()
        elif len(run) == 2:
            found[run[1]] = asked
            continue
        else:
            run.append(len(found))
        found.append(asked)
    return found
