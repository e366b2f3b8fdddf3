"""Opens streams of live events on the application itself, without a server between."""

import asyncio
from collections.abc import Iterable
from typing import Any, Self
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message

from bench.parts.events import FrameReader, StreamEvent

PATIENCE = 15.0


class Opened:
    """A stream as its client sees it: `async with Opened(app, key, kind="click") as stream: await stream.next()`. `id` is what
    it would resume by, as `place` is what it resumes by. While `reads` is cleared, the client does not read."""

    def __init__(self, app: ASGIApp, key: str, place: str = "", /, **parameters: Any) -> None:
        self._app = app
        self._scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/events/stream",
            "query_string": urlencode(parameters, doseq=True).encode(),
            "headers": [
                (b"authorization", f"Bearer {key}".encode()),
                (b"host", b"api.test"),
                *([(b"last-event-id", place.encode())] if place else []),
            ],
        }
        self._events: asyncio.Queue[StreamEvent | None] = asyncio.Queue()
        self._reader, self._rest = FrameReader(), ""
        self._gone, self._asked = asyncio.Event(), False
        self.reads = asyncio.Event()
        self.reads.set()
        self._sent = asyncio.Event()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.id = place

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def leave(self) -> None:
        """The client hangs up."""
        self._gone.set()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(self._task, return_exceptions=True)

    async def next(self) -> StreamEvent | None:
        """The next event that is not `ready`. None when the server has ended the stream."""
        while True:
            async with asyncio.timeout(PATIENCE):
                event = await self._events.get()
            if event is not None:
                self.id = event.id
            if event is None or event.name != "ready":
                return event

    async def some(self, count: int) -> list[StreamEvent]:
        return [event for _ in range(count) if (event := await self.next()) is not None]

    async def ready(self) -> Self:
        """Returns when the stream tells of everything. Whatever comes before is dropped."""
        async with asyncio.timeout(PATIENCE):
            while (event := await self._events.get()) is not None and event.name != "ready":
                pass
        assert event is not None, self.body
        self.id = event.id
        return self

    async def lines(self, beginning: bytes, count: int) -> None:
        """Returns when as many lines begin so."""
        async with asyncio.timeout(PATIENCE):
            while self.body.count(b"\n" + beginning) < count:
                self._sent.clear()
                await self._sent.wait()

    def waiting(self) -> int:
        """How many events have come and were not taken."""
        return self._events.qsize()

    async def _run(self) -> None:
        try:
            await self._app(dict(self._scope), self._receive, self._send)
        finally:
            self._events.put_nowait(None)

    async def _receive(self) -> Message:
        if not self._gone.is_set() and not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            return
        await self.reads.wait()
        self.body += message["body"]
        self._sent.set()
        *lines, self._rest = (self._rest + message["body"].decode()).split("\n")
        for line in lines:
            if (event := self._reader.line(line)) is not None:
                self._events.put_nowait(event)


def rows_of(events: Iterable[StreamEvent]) -> list[tuple[str, str]]:
    """Kind and row of each."""
    return [(event.name, event.data["id"]) for event in events]
