"""Large answers leave in pieces, and those that nobody reads are given up."""

import asyncio
import gc
import sys
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from api.http import slow_readers
from api.http.slow_readers import PIECE, SlowReaders, require_room
from api.http.time_limit import TimeLimit
from models.errors import TooManyRequests

BODY = bytes(range(256)) * 1024
SCOPE: Scope = {"type": "http", "method": "GET", "path": "/v1/contacts/canary@example.com"}


def answering(body: bytes) -> SlowReaders:
    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        length = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": body})

    return SlowReaders(application)


async def nothing() -> Message:
    return {"type": "http.disconnect"}


@pytest.mark.parametrize("body", [b"", b"a", BODY[:PIECE], BODY[: PIECE + 1], BODY])
async def test_an_answer_is_whole_however_many_pieces_it_has(body: bytes) -> None:
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await answering(body)(SCOPE, nothing, keep)
    assert b"".join(each["body"] for each in sent[1:]) == body
    assert [each.get("more_body", False) for each in sent[1:]] == [True] * (len(sent) - 2) + [False]
    assert max(len(each["body"]) for each in sent[1:]) <= PIECE


async def test_an_answer_that_nobody_reads_is_given_up_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_readers, "PATIENCE", 0)
    sent: list[Message] = []

    async def full(message: Message) -> None:
        if len(sent) == 2:
            await asyncio.Event().wait()
        sent.append(message)

    with capture_logs() as lines:
        await answering(BODY)(SCOPE, nothing, full)
    assert [line["event"] for line in lines] == ["client does not read its answer"]
    assert "canary" not in repr(lines)
    assert len(sent) == 2


async def test_an_answer_that_was_given_up_is_free_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only when the garbage collector comes by, which is seldom (`stack/roles/garbage.py`)."""
    monkeypatch.setattr(slow_readers, "PATIENCE", 0)
    body = bytes(BODY)[1:]

    async def full(_message: Message) -> None:
        if _message["type"] == "http.response.body":
            await asyncio.Event().wait()

    gc.disable()
    try:
        before = sys.getrefcount(body)
        application = TimeLimit(answering(body)._app)
        await SlowReaders(application)(SCOPE, nothing, full)
        del application
        assert sys.getrefcount(body) == before
    finally:
        gc.enable()


@pytest.mark.parametrize(("method", "statuses"), [("GET", [200, 429, 200]), ("POST", [200, 200, 200])])
async def test_answers_that_an_organization_leaves_unread_are_counted_and_the_next_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, method: str, statuses: list[int]
) -> None:
    """One that has changed something is answered, or its client would do it again."""
    monkeypatch.setattr(slow_readers, "UNREAD", len(BODY) * 3 // 2)
    application, read, answered = SlowReaders(answering(BODY)._app), asyncio.Event(), list[int]()
    key = SimpleNamespace(org_id=uuid4())

    async def ask(reads: asyncio.Event, whose: SimpleNamespace = key) -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered.append(message["status"])
            else:
                await reads.wait()

        await application({**SCOPE, "method": method, "state": {"key": whose}}, nothing, send)

    at_once = asyncio.Event()
    at_once.set()
    unread = asyncio.create_task(ask(read))
    await asyncio.sleep(0)
    await ask(at_once)
    await ask(at_once, SimpleNamespace(org_id=uuid4()))
    assert answered == [statuses[0], statuses[1], 200]
    read.set()
    await unread
    await ask(at_once)
    assert answered[3:] == statuses[2:]


async def test_unread_answers_to_forms_count_and_the_next_form_is_refused_before_its_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slow_readers, "UNREAD", len(BODY) * 2)
    key, other, read, worked = SimpleNamespace(org_id=uuid4()), SimpleNamespace(org_id=uuid4()), asyncio.Event(), list[UUID]()
    around = answering(BODY)

    async def form(scope: Scope, receive: Receive, send: Send) -> None:
        org_id = scope["state"]["key"].org_id
        require_room(scope["state"], org_id)
        worked.append(org_id)
        await around._app(scope, receive, send)

    application = SlowReaders(form)

    async def ask(whose: SimpleNamespace, reads: asyncio.Event) -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await reads.wait()

        await application({**SCOPE, "method": "POST", "state": {"key": whose}}, nothing, send)

    unread = [asyncio.create_task(ask(key, read)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequests):
        await ask(key, read)
    read.set()
    await ask(other, read)
    await asyncio.gather(*unread)
    await ask(key, read)
    assert worked == [key.org_id, key.org_id, other.org_id, key.org_id]
