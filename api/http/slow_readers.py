"""Keeps an answer that nobody reads from staying in memory: it leaves in pieces, within a time that grows with its size."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.body_memory import BodyMemory
from api.http.problems import problem_response
from api.http.request_log import shown_path
from models.errors import TooManyRequests

log = structlog.get_logger()

PIECE = 64 * 1024
"""Bytes of a piece. The server takes the next piece when the client has read enough of those before."""
PATIENCE = 30.0
"""Seconds that the client has whatever the size, and another second for each piece."""

UNREAD = 64 * 2**20
"""Bytes of an organization's answers that are longer than a piece and are on their way at one time. Connections are cheap, and an
organization can ask for megabytes on each of thousands."""


STATE = "unread_answers"
"""Where the scope's state has the bytes that organizations leave unread."""


class GivenUp(Exception):
    """The client does not read."""


class SlowReaders:
    """Ends the connection of a client that does not read its answer in time, and refuses to read more for an organization that
    leaves too many answers unread. An answer to a change counts too and is never refused, because the change is done: whoever
    answers with large pages asks for room before the work (`require_room`)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._unread = app, BodyMemory(UNREAD, "answers that your organization is reading")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False
        scope.setdefault("state", {})[STATE] = self._unread

        async def in_pieces(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                try:
                    self._take(scope, message, taken)
                except TooManyRequests as busy:
                    refused = True
                    await problem_response(busy.status, busy.code, busy.title, busy.detail)(scope, receive, send)
            if refused:
                return
            if len(message.get("body", b"")) > PIECE:
                await _send_in_pieces(send, message)
            else:
                await send(message)

        try:
            with ExitStack() as taken:
                await self._app(scope, receive, in_pieces)
        except GivenUp as given_up:
            # The frames in which the error was raised hold the answer, in a reference cycle that the garbage collector would find
            # much later.
            given_up.__traceback__ = given_up.__context__ = None
            # The server ends the connection, because the answer is shorter than its header says.
            log.info("client does not read its answer", path=shown_path(scope), method=scope["method"])

    def _take(self, scope: Scope, start: Message, taken: ExitStack) -> None:
        """Counts the answer for the organization of the request's key. Raises TooManyRequests."""
        key, size = scope.get("state", {}).get("key"), int(Headers(raw=list(start["headers"])).get("content-length", 0))
        if key is not None and size > PIECE:
            share = taken.enter_context(self._unread.share(key.org_id))
            share.take(size, refuses=scope["method"] in ("GET", "HEAD"))


def require_room(state: Mapping[str, Any], org_id: UUID) -> None:
    """Raises TooManyRequests while the organization leaves too many answers unread. `state` is that of the request's scope."""
    if STATE in state:
        state[STATE].require_room(org_id)


async def _send_in_pieces(send: Send, message: Message) -> None:
    body = message["body"]
    clock = asyncio.get_running_loop().time
    begun = clock()
    for number, start in enumerate(range(0, len(body), PIECE)):
        more = start + PIECE < len(body) or message.get("more_body", False)
        try:
            async with asyncio.timeout_at(min(begun + PATIENCE + number, clock() + PATIENCE)):
                await send({**message, "body": body[start : start + PIECE], "more_body": more})
        except TimeoutError:
            raise GivenUp from None
