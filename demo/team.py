"""A team's webhook on this machine, which a notification target of a development server can name."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@dataclass
class Team:
    """`told` holds the body of each notification, and `times` when it came, in seconds of the monotonic clock."""

    address: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.lower().split(": ", 1) for line in head.strip().split("\r\n")[1:])
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.times.append(time.monotonic())
            self.told.append(json.loads(body))
            writer.write(OK)
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Team]:
    """Listens on a free port of this machine for as long as the block runs."""
    team = Team()
    server = await asyncio.start_server(team.answer, "127.0.0.1", 0)
    team.address = f"json://127.0.0.1:{server.sockets[0].getsockname()[1]}/team"
    try:
        yield team
    finally:
        server.close()
