"""Real servers of a team: a webhook receiver that can be told how to answer, and a mail server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """`status` and `headers` are what it answers. While `silent` is set, it answers nothing."""

    port: int
    got: list[Got] = field(default_factory=list)
    status: int = 200
    headers: str = ""
    body: bytes = b"{}"
    silent: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.port}/hook"

    async def wait_for(self, number: int) -> None:
        async with asyncio.timeout(60):
            while len(self.got) < number:
                self.arrived.clear()
                await self.arrived.wait()


@asynccontextmanager
async def receiver(host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    """A web server of a team on this machine."""
    found = Receiver(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            found.got.append(Got(first.split(" ")[1], headers, body))
            found.arrived.set()
            if found.silent:
                await reader.read()  # until the other side gives up
            else:
                head = f"HTTP/1.1 {found.status} X\r\nContent-Length: {len(found.body)}\r\n{found.headers}\r\n"
                writer.write(head.encode() + found.body)
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(answer, host, 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


class Mailbox:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        return "250 Ok"


@asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[Mailbox, int]]:
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0)
    try:
        yield box, server.sockets[0].getsockname()[1]
    finally:
        server.close()
