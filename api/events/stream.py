"""One stream of live events as an answer that goes on: server-sent events, until the client goes away or the process stops.

A stream has a place and no queue. While it is among the latest events it reads them from the feed of its organization, which all
its streams share. When it is behind, because it resumes or reads slowly, it reads pages from the database until it is there.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.events.feed import Feed, ShownEvent
from api.events.live_events import LiveEvents
from api.events.missed_events import MissedEvents, MissedPage
from api.http.slow_readers import PATIENCE, GivenUp
from models.live.cursor import Cursor, Snapshot
from models.live.event_filter import EventFilter

log = structlog.get_logger()

HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
KEEP_ALIVE = 15.0
"""Seconds after the last thing that was sent, until the place or a comment is, so that nobody on the way takes the connection for
dead: events that the filters hold back do not count. It is below the time limit of a request without a sign of life
(`api/http/time_limit.py`)."""
RESUMABLE = 24 * 3600
"""Seconds for which events are kept, and so the age up to which a stream can be resumed."""
RETRY = b"retry: 2000\n\n"
"""Milliseconds after which a browser resumes a stream that has ended."""
ALIVE = b": still here\n\n"
AT_ONCE, PAGE = 50, 200
"""Events that are sent together, and that one look into the database takes."""
AGAIN = 1.0
"""Seconds after which a look into the database that failed is tried again."""

BEHIND = -1
"""The place of a stream that has to read from the database."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Shared:
    """What streams use of their process."""

    live: LiveEvents
    missed: MissedEvents


class EventStream(Response):
    """The stream of one client. `cursor` is where it resumes; with None it begins now."""

    media_type = "text/event-stream"

    def __init__(self, shared: Shared, org_id: UUID, key_id: str, wanted: EventFilter, cursor: Cursor | None) -> None:
        super().__init__(status_code=200, headers=HEADERS)
        self.org_id, self.key_id = org_id, key_id
        self.session_id: UUID | None = None
        self._shared, self._wanted, self._cursor = shared, wanted, cursor
        self._wake, self._ended = asyncio.Event(), asyncio.Event()

    def end(self) -> None:
        self._ended.set()

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        with self._shared.live.open(self) as feed:
            feed.wakes.add(self._wake)
            try:
                await self._run(feed, receive, _Client(send))
            finally:
                feed.wakes.discard(self._wake)

    async def _run(self, feed: Feed, receive: Receive, client: "_Client") -> None:
        await client.begin(self)
        following = asyncio.create_task(self._follow(feed, client))
        others = [asyncio.create_task(_gone(receive)), asyncio.create_task(self._ended.wait())]
        try:
            await asyncio.wait({following, *others}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
        finally:
            await _stop(following, *others)
        if self._ended.is_set():
            await client.finish()

    async def _follow(self, feed: Feed, client: "_Client") -> None:
        live, place, ready = self._shared.live, BEHIND, False
        await client.waiting(live.fresh())
        if self._cursor is not None and (reason := _not_resumable(self._cursor, live.present())):
            await client.send(b'event: reset\ndata: {"reason": "%b"}\n\n' % reason)
            self._cursor = None
        if self._cursor is None:
            place, self._cursor = feed.end, live.present()
        while True:
            if place < feed.first:
                present, place = live.present(), feed.end
                await self._catch_up(present, client)
            elif not ready:
                ready = True
                await client.send(b"id: %b\nevent: ready\ndata: {}\n\n" % str(self._cursor).encode())
            else:
                place = await self._latest(feed, place, client)

    async def _latest(self, feed: Feed, place: int, client: "_Client") -> int:
        """Sends what the feed has behind this place, or waits for it. Returns the place behind what was sent."""
        self._wake.clear()
        events = list(feed.after(place, AT_ONCE))
        if events:
            await self._send(events, client)
            await client.keep_alive(self._place)
            return place + len(events)
        self._cursor = self._shared.live.present()
        await client.waiting(self._wake.wait(), self._alive)
        return place

    def _alive(self) -> bytes:
        """Returns what shows that the stream lives: the place up to which everything was sent."""
        if not self._wake.is_set():
            self._cursor = self._shared.live.present()
        return self._place()

    def _place(self) -> bytes:
        return b"id: %b\n\n" % str(self._cursor).encode()

    async def _catch_up(self, present: Cursor, client: "_Client") -> None:
        """Sends what was not sent until this present, from the database."""
        assert self._cursor is not None  # noqa: S101 - it has one since it began
        if self._cursor.until is not None:
            await self._pages(self._cursor.until, client)
            self._cursor = replace(self._cursor, seen=self._cursor.until, until=None, last=(0, 0))
        await self._pages(present.seen, client)
        self._cursor = present

    async def _pages(self, until: Snapshot, client: "_Client") -> None:
        while True:
            page = await client.waiting(self._page(until))
            await self._send(page.events, client)
            if page.end is None:
                return
            if self._cursor != page.end:
                self._cursor = page.end
                await client.send(self._place())

    async def _page(self, until: Snapshot) -> MissedPage:
        """Tries until it succeeds: while the database is away, the stream stays."""
        assert self._cursor is not None  # noqa: S101 - see above
        while True:
            try:
                return await self._shared.missed.page(self.org_id, self._cursor, until, self._wanted, PAGE)
            except Exception as error:  # whatever the error is, the next look may succeed
                log.info("missed live events are read again", error=error)
                await asyncio.sleep(AGAIN)

    async def _send(self, events: Sequence[ShownEvent], client: "_Client") -> None:
        for start in range(0, len(events), AT_ONCE):
            some = events[start : start + AT_ONCE]
            frames = b"".join(event.frame() for event in some if self._wanted.lets(event))
            if frames:
                await client.send(frames)
            self._cursor = some[-1].cursor


class _Client:
    """The client's end of the connection."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._clock = asyncio.get_running_loop().time
        self._sent_at = self._clock()

    async def begin(self, response: Response) -> None:
        headers = [header for header in response.raw_headers if header[0] != b"content-length"]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.send(RETRY)

    async def send(self, body: bytes) -> None:
        """Raises GivenUp when the client does not read. It can resume where it stopped reading."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            raise GivenUp from None
        self._sent_at = self._clock()

    async def finish(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN):
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def waiting(self, work: Coroutine[Any, Any, Result], alive: Callable[[], bytes] = lambda: ALIVE) -> Result:
        """Returns what `work` does, and shows meanwhile that the stream lives."""
        task = asyncio.create_task(work)
        try:
            while not (await asyncio.wait({task}, timeout=self._rest()))[0]:
                await self.keep_alive(alive)
            return task.result()
        finally:
            task.cancel()

    async def keep_alive(self, alive: Callable[[], bytes]) -> None:
        """Sends it when nothing was sent for so long that it is time."""
        if not self._rest():
            await self.send(alive())

    def _rest(self) -> float:
        return max(0.0, self._sent_at + KEEP_ALIVE - self._clock())


def _not_resumable(cursor: Cursor, present: Cursor) -> bytes:
    """Returns why not, or nothing. A cursor of a database that was put back to an earlier time can be ahead of it."""
    latest = cursor.until or cursor.seen
    if cursor.database != present.database or latest.xmax > present.seen.xmax:
        return b"another_database"
    return b"" if cursor.at > time.time() - RESUMABLE else b"too_old"


async def _gone(receive: Receive) -> None:
    """Returns when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _stop(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
