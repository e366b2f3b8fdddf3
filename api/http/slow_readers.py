"""Keeps an answer that nobody reads from staying in memory: it leaves in pieces, within a time that grows with its size."""

import asyncio

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.request_log import shown_path

log = structlog.get_logger()

PIECE = 64 * 1024
"""Bytes of a piece. The server takes the next piece when the client has read enough of those before."""
PATIENCE = 30.0
"""Seconds that the client has whatever the size, and another second for each piece."""


class GivenUp(Exception):
    """The client does not read."""


class SlowReaders:
    """Ends the connection of a client that does not read its answer in time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def in_pieces(message: Message) -> None:
            if len(message.get("body", b"")) > PIECE:
                await _send_in_pieces(send, message)
            else:
                await send(message)

        try:
            await self._app(scope, receive, in_pieces)
        except GivenUp as given_up:
            # The frames in which the error was raised hold the answer, in a reference cycle that the garbage collector would find
            # much later.
            given_up.__traceback__ = given_up.__context__ = None
            # The server ends the connection, because the answer is shorter than its header says.
            log.info("client does not read its answer", path=shown_path(scope), method=scope["method"])


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
