"""Reading a request's body: how large it may be and how long it may take.

A body is read before its request has a turn or a connection, so a slow one keeps nobody waiting.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from api.http.body_memory import Share
from models.errors import RequestTimeout, TooLarge

PATIENCE = 30.0
"""Seconds that a body may take whatever its size, and for which its sender may be silent."""
UNPROVED_PATIENCE = 5.0
"""The same for a body whose sender is not known before the body is read."""
UNCOUNTED = 64 * 1024
"""Bytes of such a body that count against nobody, so that a client whose others are many can still send a small one. How many
there are is bounded by the connections that the process takes."""
SLOWEST = 64 * 1024
"""Bytes a second that a larger body needs on average, beyond `PATIENCE`."""
DISCARDED, DISCARD_PATIENCE, DISCARD_SECONDS = 32 * 2**20, 5.0, 20.0
"""The most bytes of a refused body that are read past, the seconds for it as in `PATIENCE`, and the most seconds in all."""
IN_PARTS, LESS = "Send it in parts.", "It is about one thing: write less into it."
"""What to do when there is too much in a body."""


def large_body() -> None:
    """Marks a route whose body has many objects, not one."""


LargeBody = Depends(large_body)


def has_large_body(dependant: Dependant) -> bool:
    return any(each.call is large_body for each in dependant.dependencies)


async def read_body(request: Request, limit: int, share: Share, *, many: bool) -> None:
    """Reads the body; Starlette keeps what was read. Raises TooLarge, RequestTimeout and, for the organization's `share`,
    TooManyRequests. What the share has taken before counts as taken for this body. `many` says that it has many objects, which
    can be sent in parts."""
    try:
        share.take(_announced(request, limit) - share.taken)
        await _read(request, limit, share, PATIENCE)
    except TooLarge as error:
        raise TooLarge(f"{error.detail} {IN_PARTS if many else LESS}") from None


async def read_unproved_body(request: Request, limit: int, share: Share) -> None:
    """Does the same for a body that is itself the proof of who sends it. Its sender has less time, and `share` is the client's.
    Only what has arrived beyond the first `UNCOUNTED` bytes is taken of it: an announcement costs the client nothing."""
    _announced(request, limit)
    await _read(request, limit, share, UNPROVED_PATIENCE, UNCOUNTED)


async def read_past(request: Request) -> None:
    """Reads what is left of a refused body and keeps nothing of it. Most clients write a body to its end before they read the
    answer, and would find a broken connection instead. One that waits for `100 Continue` has sent nothing yet."""
    if request.headers.get("expect") or not _is_unread(request):
        return
    size = 0
    with suppress(RequestTimeout, ClientDisconnect, TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            async for chunk in _in_time(request, DISCARD_PATIENCE):
                size += len(chunk)
                if size > DISCARDED:
                    return


def _is_unread(request: Request) -> bool:
    has_body = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
    return has_body and not getattr(request.state, "body_is_over", False)


async def _read(request: Request, limit: int, share: Share, patience: float, uncounted: int = 0) -> None:
    chunks, size = [], 0
    async for chunk in _in_time(request, patience):
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        share.take(size - uncounted - share.taken)
        chunks.append(chunk)
    request._body = b"".join(chunks)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body may have {limit / 2**20:g} MB.")


def _announced(request: Request, limit: int) -> int:
    """Returns the announced length, or 0 when the header is missing or is not a number. Raises TooLarge."""
    text = request.headers.get("content-length", "")
    announced = int(text[:20]) if text.isascii() and text.isdecimal() else 0
    if announced > limit:
        raise _too_large(limit)
    return announced


async def _in_time(request: Request, patience: float) -> AsyncIterator[bytes]:
    receive = receive_in_time(request, patience)
    while not getattr(request.state, "body_is_over", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")


def receive_in_time(request: Request, patience: float | None = None) -> Receive:
    """Returns a way to receive the body that raises RequestTimeout when it takes too long, counted from now on. With `patience`
    None it may take PATIENCE."""
    patience, clock = PATIENCE if patience is None else patience, asyncio.get_running_loop().time
    begun, size = clock(), 0

    async def receive() -> Message:
        nonlocal size
        left = begun + patience + size / SLOWEST - clock()
        try:
            async with asyncio.timeout(min(patience, left)):
                message = await request.receive()
        except TimeoutError:
            raise RequestTimeout(
                f"The body did not arrive in time: {patience:g} seconds, and one more for each {SLOWEST // 1024} KB. "
                "Send it again over a faster line, or in smaller parts."
            ) from None
        size += len(message.get("body", b""))
        request.state.body_is_over = not message.get("more_body", False)
        return message

    return receive
