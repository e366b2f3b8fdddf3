"""Apprise, which knows how each chat tool wants to be spoken to, at arm's length: it runs in a process of its own, and every
request that it writes goes through `services/way_out/`.

`docs/decisions/` tells why. The process is started when it is needed.
"""

import asyncio
import base64
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict

from safe_errors import OwnWords
from services.mail.connect import Security
from services.way_out.errors import WayOutError
from services.way_out.way_out import Answer, WayOut

SILENCE = 10.0
"""Seconds in which the process has to answer, without the time that requests take. A process that does not is ended."""
MOST_REQUESTS = 6
"""Requests that one notification may need, of which one tells and the others log in or look somebody up."""
LINE = 8 * 2**20

_ROOT = Path(__file__).parents[2]

log = structlog.get_logger()


class UnusableAddress(OwnWords):
    """The address cannot be read or is of a kind that is not possible here. The text says what to do and does not quote it."""


class NotSent(OwnWords):
    """The service did not take the notification."""


class Facts(BaseModel):
    """What the process has read, checked because it comes from outside this one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MailFacts(Facts):
    """What the address of a mailbox says. `security` is `tls`, `starttls` or `none`."""

    user: str | None
    password: str | None
    security: Security
    sender: str
    sender_name: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    reply_to: tuple[str, ...]


class AddressFacts(Facts):
    """What an address says. `host` is None when the service's own host is meant."""

    scheme: str
    host: str | None
    port: int | None
    secure: bool
    mail: MailFacts | None = None


class Apprise:
    """Any number of jobs at a time; those whose service is slow hold up nobody else."""

    def __init__(self, way_out: WayOut) -> None:
        self._way_out = way_out
        self._process: _Process | None = None
        self._starting = asyncio.Lock()

    async def look(self, address: str) -> AddressFacts:
        """Raises UnusableAddress."""
        found = await self._do({"do": "look", "address": address}, {})
        return AddressFacts.model_validate(found)

    async def send(self, address: str, title: str, body: str, headers: Mapping[str, str]) -> None:
        """Raises UnusableAddress, WayOutError or NotSent. `headers` are added to each request."""
        if not await self._do({"do": "tell", "address": address, "title": title, "body": body}, headers):
            raise NotSent("The service could not be told, and gave no reason.")

    async def close(self) -> None:
        if self._process is not None:
            await self._process.end()
            self._process = None

    async def _do(self, job: dict[str, Any], headers: Mapping[str, str]) -> Any:
        process = await self._running()
        exchange = process.begin(job)
        refused: Exception | None = None
        try:
            found = await self._next(exchange)
            asked = 0
            while "request" in found:
                asked += 1
                if asked > MOST_REQUESTS:
                    raise NotSent("The service asked for too much before it took the notification.")
                answer, refused = await self._ask(found["request"], headers)
                process.answer(exchange.job, answer)
                found = await self._next(exchange)
        except TimeoutError:
            await self._replace(process)
            raise NotSent("The notification could not be written in time.") from None
        except BaseException:
            if not process.ended:
                process.answer(exchange.job, None)
            raise
        finally:
            process.forget(exchange.job)
        if "problem" in found:
            raise UnusableAddress(found["problem"])
        if "failed" in found or (refused is not None and found["result"] is False):
            raise refused or NotSent("The notification could not be written for this service.")
        return found["result"]

    async def _next(self, exchange: "_Exchange") -> dict[str, Any]:
        """Raises TimeoutError."""
        async with asyncio.timeout(SILENCE):
            return await exchange.get()

    async def _ask(self, request: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[dict[str, Any], Exception | None]:
        """Returns the answer for the process, and why the request failed."""
        try:
            content = base64.b64decode(request["content"])
            answer = await self._way_out.request(request["method"], request["url"], {**request["headers"], **headers}, content)
        except WayOutError as error:
            return {"error": True}, error
        body = base64.b64encode(answer.body).decode()
        return {"status": answer.status, "headers": list(answer.headers), "body": body}, _problem(answer)

    async def _running(self) -> "_Process":
        async with self._starting:
            if self._process is None or self._process.ended:
                self._process = await _Process.start()
            return self._process

    async def _replace(self, process: "_Process") -> None:
        log.error("the process that writes notifications was ended")
        await process.end()


class _Exchange:
    """One job's part of what the process says."""

    def __init__(self, job: int) -> None:
        self.job = job
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def put(self, message: dict[str, Any]) -> None:
        self._said.put_nowait(message)

    async def get(self) -> dict[str, Any]:
        return await self._said.get()


class _Process:
    """One child process, with many jobs at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._exchanges: dict[int, _Exchange] = {}
        self._numbers = count(1)
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls) -> "_Process":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.notifications.apprise_process"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=_ROOT,
            env={"NETRC": os.devnull},  # nothing of ours, no proxies, and no passwords of the user
            start_new_session=True,  # Ctrl+C in a terminal is for the parent, which ends this process
            limit=LINE,
        )
        return cls(process)

    @property
    def ended(self) -> bool:
        return self._reading.done() or self._process.returncode is not None

    def begin(self, job: dict[str, Any]) -> _Exchange:
        exchange = _Exchange(next(self._numbers))
        self._exchanges[exchange.job] = exchange
        self._write({**job, "job": exchange.job})
        return exchange

    def answer(self, job: int, answer: dict[str, Any] | None) -> None:
        """An answer of None ends the job."""
        self._write({"job": job, "answer": answer})

    def forget(self, job: int) -> None:
        self._exchanges.pop(job, None)

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reading
        if self._process.stdin:
            self._process.stdin.close()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin  # noqa: S101 - it is a pipe
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self) -> None:
        assert self._process.stdout  # noqa: S101 - it is a pipe
        with suppress(OSError, ValueError):
            while line := await self._process.stdout.readline():
                message = json.loads(line)
                if exchange := self._exchanges.get(message["job"]):
                    exchange.put(message)
        for exchange in self._exchanges.values():
            exchange.put({"failed": "ended"})


def _problem(answer: Answer) -> NotSent | None:
    """Says what a status means. What the other side wrote is not quoted."""
    if 200 <= answer.status < 300:
        return None
    if 300 <= answer.status < 400:
        return NotSent(f"The service answered {answer.status} and sent us to another address: enter that address instead.")
    if answer.status in (401, 403, 404, 410):
        return NotSent(f"The service answered {answer.status}: the address or its secret is wrong or revoked. Enter it again.")
    if answer.status == 429:
        return NotSent("The service answered 429: it takes no more at the moment.")
    return NotSent(f"The service answered {answer.status}.")
