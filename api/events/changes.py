"""A stream that says only that something has changed, at most once a second, for a page that then reads its numbers again.

It is small, because every open page has one: no queue, no place, nothing of an event but that there was one. It cannot be
resumed. A page that connects again is told at once, and whatever it has missed is in what it reads then.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from starlette.types import Message, Receive, Scope, Send

from api.events.live_events import LiveEvents
from api.events.stream import AGAIN, ALIVE, HEADERS, KEEP_ALIVE
from api.http.slow_readers import PATIENCE, GivenUp
from models.live.event_filter import EventFilter
from models.live.read import FoundEvent

LEAST = 1.0
"""Seconds between two messages, whatever happens meanwhile."""
CHANGED = b"event: changed\ndata: {}\n\n"
START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()],
}


class ChangeStream:
    """The stream of one page, as an answer that goes on until the page is closed, the session or its key ends, or the process
    stops. The first message says that it tells of everything that is wanted from now on."""

    __slots__ = ("_ended", "_gone", "_live", "_news", "_wanted", "key_id", "org_id", "session_id")

    def __init__(self, live: LiveEvents, org_id: UUID, key_id: str, session_id: UUID | None, wanted: EventFilter) -> None:
        self.org_id, self.key_id, self.session_id = org_id, key_id, session_id
        self._live, self._wanted = live, wanted
        self._news, self._ended = asyncio.Event(), asyncio.Event()
        self._gone = False

    def tell(self, events: Sequence[FoundEvent] | None) -> None:
        if events is None or (not self._news.is_set() and any(map(self._wanted.lets, events))):
            self._news.set()

    def end(self) -> None:
        self._ended.set()
        self._news.set()

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        with self._live.watch(self):
            leaving = asyncio.create_task(self._leave(receive))
            try:
                await self._run(send)
            finally:
                leaving.cancel()

    async def _run(self, send: Send) -> None:
        await send(dict(START))
        while not self._ended.is_set():
            if not await _set_within(self._news, KEEP_ALIVE):
                await _send(send, ALIVE)
                continue
            self._news.clear()
            if not self._ended.is_set():
                await _send(send, CHANGED)
                await _set_within(self._ended, LEAST)
        if not self._gone:
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _leave(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self.end()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def _send(send: Send, body: bytes) -> None:
    """Raises GivenUp when the client does not read."""
    try:
        async with asyncio.timeout(PATIENCE):
            await send({"type": "http.response.body", "body": body, "more_body": True})
    except TimeoutError:
        raise GivenUp from None
