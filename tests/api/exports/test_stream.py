"""How an export is sent: a client that reads slowly or goes away ends it, and gives its turn to the next one."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.exports import stream
from api.exports.stream import ExportResponse, trailer
from api.http.slow_readers import SlowReaders
from api.http.time_limit import TimeLimit
from models.errors import TooManyRequests
from models.exports.columns import ExportFormat
from services.process.turns import Turns

ORG = UUID(int=1)
SCOPE: Scope = {"type": "http", "method": "GET", "path": "/v1/exports/clicks"}


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(1000):
        yield b"x" * 1000
        await asyncio.sleep(0)


def exporting(turns: Turns) -> TimeLimit:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await ExportResponse(ORG, turns, "clicks", ExportFormat.CSV, pieces())(scope, receive, send)

    return TimeLimit(SlowReaders(application))


async def stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_client_that_does_not_read_is_given_up_and_its_turn_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PATIENCE", 0.05)
    turns, sent = Turns(1, 0, "exports"), list[Message]()

    async def full(message: Message) -> None:
        sent.append(message)
        if len(sent) == 3:
            with pytest.raises(TooManyRequests):
                turns.require_room(ORG)
            await asyncio.Event().wait()

    await exporting(turns)(SCOPE, stays, full)
    assert len(sent) == 3
    turns.require_room(ORG)


async def test_a_client_that_goes_away_ends_it_and_its_turn_is_free() -> None:
    turns, sent, gone = Turns(1, 0, "exports"), list[Message](), asyncio.Event()

    async def leaves() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def few(message: Message) -> None:
        sent.append(message)
        if len(sent) == 3:
            gone.set()

    await exporting(turns)(SCOPE, leaves, few)
    assert len(sent) < 1000
    turns.require_room(ORG)


@pytest.mark.parametrize(
    ("format", "position", "line"),
    [
        (ExportFormat.JSON_LINES, UUID(int=0), b'{"cursor":null,"rows":0,"complete":true}\n'),
        (ExportFormat.CSV, UUID(int=0), b"#cursor,,rows,0,complete,true\r\n"),
        (ExportFormat.CSV, UUID(int=7), b"#cursor,00000000-0000-0000-0000-000000000007,rows,0,complete,true\r\n"),
    ],
)
def test_the_last_line_has_the_cursor(format: ExportFormat, position: UUID, line: bytes) -> None:
    assert trailer(format, position, 0, complete=True) == line
