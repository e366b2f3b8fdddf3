"""Makes every request end. A database that is silent without being gone would otherwise keep it for ever."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import problem_response
from api.http.within import abandon
from models.errors import Unavailable

READ_SECONDS = 20.0
WRITE_SECONDS = 60.0
"""Seconds for one request. The largest requests, 4,000 contacts or enrollments, take a few seconds of work."""


class TimeLimit:
    """Answers 503 when the application has not begun to answer in time. The application then goes on to its own end: its
    transaction is rolled back, or was being committed. Waiting for the client does not count, because it has limits of its own
    (`api/http/body.py`, `api/http/slow_readers.py`)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = _Exchange(self._app, scope, receive, send)
        reads = scope["method"] in ("GET", "HEAD")
        limit = READ_SECONDS if reads else WRITE_SECONDS
        try:
            await exchange.run(limit)
        except TimeoutError:
            if exchange.begun:
                raise
            again = "Send the same request again" + ("." if reads else ", with the same Idempotency-Key if it had one.")
            detail = f"There was no answer within {limit:g} seconds. {again}"
            response = problem_response(503, Unavailable.code, Unavailable.title, detail)
            await response(scope, receive, send)


class _Exchange:
    """One request and its answer. `begun` says that something of the answer has been sent."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._app, self._scope, self._receive, self._send = app, scope, receive, send
        self._clock = asyncio.get_running_loop().time
        self._since: float | None = self._clock()  # None while it is the client's turn
        self.begun = False

    async def run(self, limit: float) -> None:
        """Raises TimeoutError when the application has worked for longer than `limit` seconds."""
        task = asyncio.create_task(self._answer())
        try:
            while not task.done():
                rest = limit if self._since is None else self._since + limit - self._clock()
                if rest <= 0:
                    raise TimeoutError
                await asyncio.wait({task}, timeout=rest)
        except (TimeoutError, asyncio.CancelledError):
            abandon(task)
            raise
        task.result()

    async def _answer(self) -> None:
        await self._app(self._scope, self._received, self._sent)

    async def _received(self) -> Message:
        with self._turn_of_the_client():
            return await self._receive()

    async def _sent(self, message: Message) -> None:
        self.begun = True
        with self._turn_of_the_client():
            await self._send(message)

    @contextmanager
    def _turn_of_the_client(self) -> Iterator[None]:
        self._since = None
        try:
            yield
        finally:
            self._since = self._clock()
