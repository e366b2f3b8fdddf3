"""How a body is read: in time, up to its limit, and within what its organization may have in memory."""

import asyncio
from collections.abc import Iterable
from uuid import uuid4

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from api.http import body
from api.http.body import UNCOUNTED, read_body, read_past, read_unproved_body
from api.http.body_memory import BodyMemory
from models.errors import RequestTimeout, TooLarge, TooManyRequests

ORG = uuid4()


def request(chunks: Iterable[bytes | None], length: int | None = None) -> Request:
    """A request whose body comes in these chunks. At a chunk that is None, the client hangs up."""
    parts = list(chunks)

    async def receive() -> Message:
        chunk = parts.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": bool(parts)}

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    return Request({"type": "http", "headers": headers}, receive)


async def read(given: Request, limit: int = 100, memory: BodyMemory | None = None) -> bytes:
    with (memory or BodyMemory(1000)).share(ORG) as share:
        await read_body(given, limit, share, many=False)
    return await given.body()


async def test_a_body_is_what_its_parts_are() -> None:
    assert await read(request([b"a", b"", b"b"])) == b"ab"


async def test_a_body_that_grows_past_the_limit_is_refused_before_it_is_whole() -> None:
    never_read = request([b"a" * 60, b"b" * 60, b"c"])
    with pytest.raises(TooLarge):
        await read(never_read)
    assert (await never_read.receive())["body"] == b"c"


@pytest.mark.parametrize("length", [None, 600])
async def test_what_is_left_of_a_refused_body_is_read_past(length: int | None) -> None:
    """Most clients write to the end before they read; they would find a broken connection instead of the refusal."""
    refused = request([b"a" * 60, b"b" * 60, b"c", b"d"], length)
    refused.scope["headers"].append((b"transfer-encoding", b"chunked"))
    with pytest.raises(TooLarge):
        await read(refused)
    await read_past(refused)
    await read_past(refused)  # it would wait for ever if it read beyond the end


async def test_nothing_is_read_past_of_who_waits_for_leave_to_send() -> None:
    waits = request([], 600)
    waits.scope["headers"].append((b"expect", b"100-continue"))
    await read_past(waits)


async def test_a_refused_body_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "DISCARDED", 10)
    endless = request([b"a" * 6, b"a" * 6, b"never read"], 600)
    await read_past(endless)
    assert (await endless.receive())["body"] == b"never read"


@pytest.mark.parametrize("length", [60, None])
async def test_bodies_of_one_organization_share_its_memory(length: int | None) -> None:
    memory = BodyMemory(100)
    with memory.share(ORG) as other:
        other.take(50)
        with pytest.raises(TooManyRequests):
            await read(request([b"a" * 30, b"b" * 30], length), memory=memory)
    assert await read(request([b"a" * 30, b"b" * 30], length), memory=memory) == b"a" * 30 + b"b" * 30


async def test_a_sender_who_is_silent_is_told_how_long_a_body_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PATIENCE", 0)
    slow = request([b"a", b"b"])

    async def silence() -> Message:
        await asyncio.Event().wait()
        return {}

    slow._receive = silence
    with pytest.raises(RequestTimeout, match="one more for each 64 KB"):
        await read(slow)


async def test_a_sender_who_hangs_up_has_sent_nothing() -> None:
    with pytest.raises(ClientDisconnect):
        await read(request([b"a", None]))


async def test_an_announced_body_of_a_stranger_takes_nothing_until_more_than_a_little_has_arrived() -> None:
    memory = BodyMemory(100)
    with memory.share("192.0.2.7") as share:
        await read_unproved_body(request([b"a" * UNCOUNTED], 2**20), 2**20, share)
        assert share.taken == 0
        with pytest.raises(TooManyRequests):
            await read_unproved_body(request([b"a" * UNCOUNTED, b"b" * 101]), 2**20, share)


@pytest.mark.parametrize("length", [101, None])
async def test_a_strangers_body_is_refused_past_the_limit(length: int | None) -> None:
    with BodyMemory(1000).share("192.0.2.7") as share, pytest.raises(TooLarge):
        await read_unproved_body(request([b"a" * 60, b"b" * 60], length), 100, share)
