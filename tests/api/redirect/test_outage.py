"""A real redirect process under Granian while PostgreSQL is stopped, and killed while it is: no answer is an error, and every
click that was answered is there exactly once."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest
from alembic import command

from api.redirect.links.link_cache_snapshot import CONTENTS
from migrations.config import alembic_config
from models.database import Database
from models.organizations.organization import create_organization
from stack.children.processes import tethered
from stack.servers.postgres import EmbeddedPostgres
from tests.clicks import IPHONE, LONDON, Sent, rows, send
from tracking.tokens.token import TokenCodec

ROOT = Path(__file__).parents[3]
KEY = "11" * 32
CLIENTS = 8
GRANIAN = [sys.executable, "-m", "granian", "--interface", "rsgi", "--factory", "--loop", "uvloop"]


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, because it is stopped."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("pg")) as server:
        server.create_database("linkwake")
        command.upgrade(alembic_config(server.url("linkwake")), "head")
        yield server


@pytest.fixture
def environment(postgres: EmbeddedPostgres, tmp_path: Path) -> dict[str, str]:
    ours = {"TOKEN_KEYS": KEY, "TEMPORAL_ADDRESS": "127.0.0.1:1", "VAR_DIR": str(tmp_path)}
    return {**os.environ, **ours, "DATABASE_URL": postgres.url("linkwake")}


@contextmanager
def redirect(environment: dict[str, str]) -> Iterator[str]:
    """Its address. Killed at the end of the block, as hard as can be."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [*GRANIAN, "--port", str(port), "api.redirect.app:create_app"]
    with subprocess.Popen(tethered(arguments), env=environment, cwd=ROOT, start_new_session=True) as process:  # noqa: S603 # our own
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)


class Clicking:
    """Eight people who click all the time, each time on a link that nobody has clicked before."""

    def __init__(self, sent: Sent, numbers: Iterator[int], address: str) -> None:
        self.codec = TokenCodec([bytes.fromhex(KEY)])
        self.sent = sent
        self.numbers = numbers
        self.client = httpx.AsyncClient(
            base_url=address, headers={"User-Agent": IPHONE, "X-Forwarded-For": LONDON}, trust_env=False
        )
        self.answered: list[int] = []
        self.cut_off: list[int] = []
        self.statuses: set[int] = set()

        self.tasks = [asyncio.create_task(self.click()) for _ in range(CLIENTS)]

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.client.aclose()

    async def click(self) -> None:
        while True:
            number = next(self.numbers)
            try:
                answer = await self.client.get(f"/{self.codec.encode(self.sent.content_id, number, 0)}")
            except (httpx.TransportError, asyncio.CancelledError) as error:  # not up yet, or killed: it may be there or not
                self.cut_off.append(number)
                if isinstance(error, asyncio.CancelledError):
                    raise
                await asyncio.sleep(0.05)
            else:
                self.statuses.add(answer.status_code)
                self.answered.append(number)

    async def more(self, clicks: int) -> None:
        """Until so many more are answered."""
        goal = len(self.answered) + clicks
        async with asyncio.timeout(30):
            while len(self.answered) < goal:  # noqa: ASYNC110 # it looks from outside
                await asyncio.sleep(0.02)


def spooled(var: Path) -> int:
    """Bytes."""
    return sum(path.stat().st_size for path in (var / "spool").glob("*.spool"))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 # another process does it
            await asyncio.sleep(0.05)


async def test_with_postgresql_stopped_and_the_redirect_killed_no_answered_click_is_missing_or_doubled(
    postgres: EmbeddedPostgres, environment: dict[str, str], tmp_path: Path
) -> None:
    database = Database(postgres.url("linkwake"), 2)
    async with database.transaction() as session:
        organization, _ = await create_organization(session, "Test organization")
    sent = await send(database, organization.id, ["https://example.com/a"], wakes=[0])
    numbers = count()

    with redirect(environment) as address:
        first = Clicking(sent, numbers, address)
        await until((tmp_path / "link_cache" / CONTENTS).exists)
        await first.more(50)
        await asyncio.to_thread(postgres.stop)
        await first.more(100)
    await first.close()  # killed while they were clicking
    assert spooled(tmp_path) > 0

    with redirect(environment) as address:
        second = Clicking(sent, numbers, address)
        await second.more(100)  # links from the disk
        await asyncio.to_thread(postgres.start)
        await asyncio.to_thread(postgres.wait_until_ready)
        await second.more(100)
        await second.close()
        await until(lambda: spooled(tmp_path) == 0)

    assert first.statuses | second.statuses == {302}
    answered, cut_off = {*first.answered, *second.answered}, {*first.cut_off, *second.cut_off}
    stored = await rows(database, "SELECT recipient_number FROM click_inbox")
    assert len(stored) == len(set(stored))
    assert answered <= set(stored) <= answered | cut_off
    assert set(await rows(database, "SELECT recipient_number FROM signal_outbox")) == set(stored)
    await database.close()
