"""Reads live events for all streams of this process, on one connection of its own, which PostgreSQL notifies.

A notification is a hint and the snapshot is the truth: it reads when it is notified and once a second, for the organizations that
have streams, whatever is visible now and was not before. While the database is away the streams wait, and then nothing is
missing. Without streams there is no connection.

Some streams follow, and are told of each event with what is needed to show it. Others watch, and are told only that there was
one: the open pages of the console, which cost nothing but themselves.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from operator import attrgetter
from typing import Protocol, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from api.events.feed import KEPT, Feed, ShownEvent, shown
from api.http.within import abandon
from models.errors import TooManyRequests
from models.live.cursor import Cursor, Snapshot
from models.live.describe import describe_events
from models.live.listen import listening
from models.live.read import Batch, FoundEvent, database_identity, present, read_since
from models.organizations.api_key import working_keys
from models.organizations.console_session import sessions_that_last

log = structlog.get_logger()

EVERY, PAUSE = 1.0, 0.1
"""Seconds between two reads without a notification, and the least between two with one."""
KEYS_EVERY = 10.0
"""Seconds between two looks at whether the keys and sessions of the streams still work."""
SILENT, AGAIN, CLOSING = 15.0, 1.0, 2.0
"""Seconds after which a connection without an answer is given up, before the next one is tried, and for which a stop waits for
the connection to be closed."""


class OpenStream(Protocol):
    """What is known here of a stream."""

    org_id: UUID
    key_id: str
    session_id: UUID | None
    """The session of a browser, or None for a program, which has its key alone."""

    def end(self) -> None:
        """Ends the stream. Its client can resume it elsewhere."""
        ...


class Watching(OpenStream, Protocol):
    """A stream that is told only that something has happened."""

    def tell(self, events: Sequence[FoundEvent] | None) -> None:
        """With None it is told of everything from now on, or there were more events than were read."""
        ...


Stream = TypeVar("Stream", bound=OpenStream)


class LiveEvents:
    """The streams of this process, a feed for each organization that somebody follows, and the task that reads while there are
    any."""

    def __init__(self, url: str, most_streams: int) -> None:
        self._url, self.most_streams = url, most_streams
        self._following: dict[UUID, dict[OpenStream, None]] = defaultdict(dict)
        self._watching: dict[UUID, dict[Watching, None]] = defaultdict(dict)
        self._giving_way = set[OpenStream]()
        self._new = set[Watching]()
        self._feeds: dict[UUID, Feed] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._life: asyncio.Task[None] | None = None
        self._snapshot: Snapshot | None = None
        self._database = ""
        self._stops = False
        self._at, self._answered_at, self._keys_at = 0, 0.0, 0.0
        self._begun, self._done = 0, 0
        self._read_once = asyncio.Condition()

    def count(self) -> int:
        return len(self._all())

    def require_room(self, org_id: UUID, key_id: str) -> OpenStream | None:
        """Raises TooManyRequests when this key may not have another stream. Returns the stream that gives way to it, if one has
        to: when the organization has all its streams, the key with the most of them loses one to a key that stays below it."""
        both: list[OpenStream] = [*self._watching.get(org_id, ()), *self._following.get(org_id, ())]
        streams = [each for each in both if each not in self._giving_way]
        if len(streams) < self.most_streams:
            return None
        of_key = Counter(each.key_id for each in streams)
        crowding, most = next(iter(of_key.most_common(1)), (key_id, 0))
        if most > of_key[key_id] + 1:
            return next(each for each in streams if each.key_id == crowding)
        raise TooManyRequests(
            f"Your organization has {self.most_streams} streams open in this process, and may have no more: "
            "end one before you open another."
        )

    @contextmanager
    def open(self, stream: OpenStream) -> Iterator[Feed]:
        """Reads for this stream in the block. When the process stops already, the stream is ended at once. Raises TooManyRequests
        when the organization has too many."""
        org_id = stream.org_id
        with self._among(self._following, stream):
            try:
                yield self._feeds.setdefault(org_id, Feed())
            finally:
                if list(self._following[org_id]) == [stream]:
                    del self._feeds[org_id]

    @contextmanager
    def watch(self, stream: Watching) -> Iterator[None]:
        """The same for a stream that watches. It is told as soon as nothing can be missed any more, and then of what happens."""
        with self._among(self._watching, stream):
            self._new.add(stream)
            self._wake.set()
            try:
                yield
            finally:
                self._new.discard(stream)

    @contextmanager
    def _among(self, streams: dict[UUID, dict[Stream, None]], stream: Stream) -> Iterator[None]:
        if self._stops:
            stream.end()
        org_id = stream.org_id
        in_the_way = self.require_room(org_id, stream.key_id)
        if in_the_way is not None:
            self._giving_way.add(in_the_way)
            in_the_way.end()
        streams[org_id][stream] = None
        if self._task is None:
            self._snapshot = None
            self._task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            streams[org_id].pop(stream, None)
            self._giving_way.discard(stream)
            if not streams[org_id]:
                del streams[org_id]
                self._wake.set()

    def end_all(self) -> None:
        """Ends all streams, and those that are opened from now on, because the process stops."""
        self._stops = True
        self._end_those_open()

    def _end_those_open(self) -> None:
        for stream in self._all():
            stream.end()

    async def fresh(self) -> None:
        """Returns after a read that began after this call. While the database is away, it waits."""
        wanted = self._begun + 1
        self._wake.set()
        async with self._read_once:
            await self._read_once.wait_for(lambda: self._done >= wanted)

    def present(self) -> Cursor:
        """Returns the place behind everything that the feeds have had. Only after `fresh`."""
        assert self._snapshot is not None  # noqa: S101 - see above
        return Cursor(self._database, self._at, self._snapshot)

    def _all(self) -> list[OpenStream]:
        both: list[Iterable[OpenStream]] = [*self._following.values(), *self._watching.values()]
        return [stream for streams in both for stream in streams]

    @property
    def _org_ids(self) -> set[UUID]:
        """The organizations that have streams."""
        return self._following.keys() | self._watching.keys()

    async def close(self) -> None:
        """Reads no more, because the process stops. The connection has some time to be closed as it should."""
        self.end_all()
        self._wake.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=CLOSING)
        for task in (self._task, self._life):
            if task is not None:
                abandon(task)

    async def _run(self) -> None:
        """Goes on while there are streams. A connection that is broken or silent is followed by another one; without streams it
        is closed by the task that has it."""
        well = True
        while self._org_ids:
            self._answered_at = time.monotonic()
            self._life = life = asyncio.create_task(self._follow())
            while not life.done() and time.monotonic() - self._answered_at < SILENT:
                await asyncio.wait({life}, timeout=EVERY)
            failed = not life.done() or life.exception() is not None
            if failed and well:
                log.warning("live events cannot be read", error=life.exception() if life.done() else "no answer")
            well = not failed
            abandon(life)
            if failed and self._org_ids:
                await asyncio.sleep(AGAIN)
        self._task = self._life = None

    async def _follow(self) -> None:
        async with listening(self._url, self._wake) as connection:
            self._is_in(await database_identity(connection.session))
            while self._org_ids:
                self._wake.clear()
                await self._read(connection.session)
                await asyncio.sleep(PAUSE)
                await connection.wait(EVERY)

    def _is_in(self, database: str) -> None:
        """When the address leads to another database than before, the places of all streams mean nothing there."""
        if database != self._database and self._snapshot is not None:
            self._end_those_open()
            self._snapshot = None
        self._database = database

    async def _read(self, session: AsyncSession) -> None:
        self._begun = number = self._begun + 1
        at, followed, new = int(time.time()), set(self._feeds), set(self._new)
        if self._snapshot is None:
            found, described = Batch(await present(session), []), list[ShownEvent]()
        else:
            found = await read_since(session, list(self._org_ids), self._snapshot, KEPT)
            wanted = [event for event in found.events if event.org_id in followed]
            described = await shown_events(session, self.present(), found.snapshot, wanted)
        await self._look_at_keys(session)
        if asyncio.current_task() is not self._life:
            return  # another connection has taken over
        self._hand_out(found.events, described, followed)
        self._new -= new
        for stream in new:
            stream.tell(None)
        self._snapshot, self._at, self._answered_at, self._done = found.snapshot, at, time.monotonic(), number
        async with self._read_once:
            self._read_once.notify_all()

    def _hand_out(self, found: list[FoundEvent], described: list[ShownEvent], followed: set[UUID]) -> None:
        """`described` are those of the organizations that are followed. Both are sorted by organization."""
        rest = iter(described)
        for org_id, group in groupby(found, attrgetter("org_id")):
            events = list(group)
            for stream in tuple(self._watching.get(org_id, ())):
                stream.tell(events if len(events) < KEPT else None)
            each = list(islice(rest, len(events))) if org_id in followed else []
            if not each or (feed := self._feeds.get(org_id)) is None:
                continue
            if len(each) < KEPT:
                feed.add(each)
            else:
                feed.skip()

    async def _look_at_keys(self, session: AsyncSession) -> None:
        if time.monotonic() - self._keys_at < KEYS_EVERY:
            return
        streams = self._all()
        working = await working_keys(session, {stream.key_id for stream in streams})
        sessions = {stream.session_id for stream in streams if stream.session_id is not None}
        lasting = {None, *(await sessions_that_last(session, sessions) if sessions else ())}
        self._keys_at = time.monotonic()
        for stream in streams:
            if stream.key_id not in working or stream.session_id not in lasting:
                stream.end()


async def shown_events(session: AsyncSession, seen: Cursor, until: Snapshot, found: list[FoundEvent]) -> list[ShownEvent]:
    """`found` are those that are visible in `until` and not behind the cursor."""
    documents = await describe_events(session, found)
    places = (Cursor(seen.database, seen.at, seen.seen, until, (event.xid, event.id)) for event in found)
    return [shown(place, document) for place, document in zip(places, documents, strict=True)]
