"""Streams as they run in production: of processes under Granian, which are cut off, stopped, crowded, and left alone by
PostgreSQL."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import httpx
import psutil
import psycopg
import pytest
from alembic import command

from bench.parts.events import StreamEvent, follow_events
from console.cookies import SESSION
from migrations.config import alembic_config
from models.database import Database
from models.organizations.caller import Caller, find_by_key
from models.organizations.console_session import begin_session
from models.organizations.organization import create_organization
from stack.children.processes import tethered
from stack.servers.ports import free_ports
from stack.servers.postgres import EmbeddedPostgres
from stack.session import nothing_set_but
from tests.api.events.streams import rows_of
from tests.api.events.written import add, messages, some_ids
from tests.silence import silent

ROOT = Path(__file__).parents[3]
PATIENCE = 240.0
"""Seconds after which a test gives up."""
STREAMS, AT_ONCE, MOST_BYTES = 100, 20, 100_000
"""How many are opened for the measure of memory, how many of them together, and what each may cost the process. When it was
measured, it was 53 to 69 kB."""
PAGES, MOST_BYTES_OF_PAGE = 500, 50_000
"""The same for open pages of the console. When it was measured, it was 34 to 40 kB."""


class Api:
    """A process that serves the API on this port with these variables, and what the organization of this key sees of it."""

    def __init__(self, key: str, port: int, log: Path, **variables: str) -> None:
        self.log, self.key, self._port = log, key, port
        self._environment = {**os.environ, **nothing_set_but(**variables, API_HOST="127.0.0.1", API_PORT=str(port))}
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False)
        self.start()

    def start(self) -> None:
        role = tethered([sys.executable, "cli.py", "api"])
        with self.log.open("w") as log:
            self.process = subprocess.Popen(role, env=self._environment, cwd=ROOT, stderr=log)  # noqa: S603 - our own command

    async def serves(self) -> None:
        """Returns when it does."""
        while True:
            assert self.process.poll() is None, self.log.read_text()
            try:
                (await self.client.get("/health/live")).raise_for_status()
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
            else:
                return

    async def stop(self) -> int:
        """Returns its exit status."""
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, PATIENCE)

    async def close(self) -> None:
        await self.client.aclose()
        await self.stop()

    @asynccontextmanager
    async def crowd(self, count: int, page_token: str = "") -> AsyncIterator[None]:
        """In the block, there are so many more streams, and all tell of everything. With the token of a session they are those of
        open pages."""
        async with AsyncExitStack() as streams:
            for _ in range(0, count, AT_ONCE):
                await asyncio.gather(*(streams.enter_async_context(self._bare_stream(page_token)) for _ in range(AT_ONCE)))
            yield

    @asynccontextmanager
    async def _bare_stream(self, page_token: str) -> AsyncIterator[None]:
        """A stream without a client that understands it, which would cost more than the stream."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            path, signed = "/v1/events/stream", f"Authorization: Bearer {self.key}"
            if page_token:
                path, signed = "/console/live", f"Cookie: {SESSION}={page_token}"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: a.test\r\n{signed}\r\n\r\n".encode())
            await reader.readuntil(b"event: changed\n" if page_token else b"event: ready\n")
            yield
        finally:
            writer.close()
            await writer.wait_closed()

    def memory(self) -> int:
        """Bytes of the process that answers; Granian's own one waits beside it."""
        (answering,) = psutil.Process(self.process.pid).children()
        return int(answering.memory_info().rss)


class Place(NamedTuple):
    """A database and two processes that serve the API on it."""

    url: str
    org_id: UUID
    apis: list[Api]


@pytest.fixture(scope="module")
async def place(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """Made once, because a process takes as long to start as all tests here take together."""
    directory = tmp_path_factory.mktemp("streams")
    postgres.create_database("streams")
    url = postgres.url("streams")
    command.upgrade(alembic_config(url), "head")
    database = Database(url, 1)
    async with database.transaction() as session:
        organization, key = await create_organization(session, "Test organization")
    await database.close()
    variables = {
        "DATABASE_URL": url,
        "TOKEN_KEYS": "11" * 32,
        "SECRET_KEYS": "22" * 32,
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
        "VAR_DIR": str(directory),
        "ORGANIZATION_STREAMS": str(2 * PAGES),
    }
    apis = [Api(key, port, directory / f"{port}.log", **variables) for port in free_ports(2)]
    yield Place(url, organization.id, apis)
    for each in apis:
        await each.close()


@pytest.fixture
async def two(place: Place) -> list[Api]:
    """Both processes, which serve."""
    for each in place.apis:
        if each.process.poll() is not None:
            each.start()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(each.serves() for each in place.apis))
    return place.apis


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    database = Database(place.url, 1)
    yield database
    await database.close()


class Follower:
    """A client that goes on where it was. `found` is what it was told."""

    def __init__(self) -> None:
        self._place, self.found = "", list[StreamEvent]()
        self._ready, self._more = asyncio.Event(), asyncio.Condition()

    async def follow(self, api: Api, count: int | None = None) -> None:
        """Hangs up after so many events; with None it follows until the server ends the stream."""
        goal = None if count is None else len(self.found) + count
        async with asyncio.timeout(PATIENCE), aclosing(follow_events(api.client, api.key, None, self._place)) as events:
            async for event in events:
                self._place = event.id
                await self._take(event)
                if len(self.found) == goal:
                    return

    async def _take(self, event: StreamEvent) -> None:
        assert event.name in ("ready", "message")
        if event.name == "ready":
            self._ready.set()
            return
        async with self._more:
            self.found.append(event)
            self._more.notify_all()

    async def ready(self) -> None:
        """Returns when it is told of everything."""
        async with asyncio.timeout(PATIENCE):
            await self._ready.wait()

    async def has(self, count: int) -> None:
        """Returns when it has been told of so many."""
        async with asyncio.timeout(PATIENCE), self._more:
            await self._more.wait_for(lambda: len(self.found) >= count)


async def test_who_is_cut_off_while_rows_are_written_resumes_at_the_other_process_and_is_told_each_once_in_order(
    place: Place, two: list[Api], database: Database
) -> None:
    rows, ahead, each_time = some_ids(600), 200, 61
    client = Follower()
    await client.follow(two[0], 0)

    async def write() -> None:
        """Some ahead of the client, so that there is writing at every cut but the last ones."""
        for start in range(0, len(rows), 3):
            await client.has(start - ahead)
            await add(database, place.org_id, *rows[start : start + 3])

    writing = asyncio.create_task(write())
    turn = 0
    while len(client.found) < len(rows):
        turn += 1
        await client.follow(two[turn % 2], min(each_time, len(rows) - len(client.found)))
    await writing
    assert rows_of(client.found) == messages(rows)


async def test_a_process_that_is_stopped_ends_its_streams_and_itself_and_the_other_one_goes_on(
    place: Place, two: list[Api], database: Database
) -> None:
    before, between, after = some_ids(5), some_ids(5), some_ids(5)
    client = Follower()
    following = asyncio.create_task(client.follow(two[0]))
    await client.ready()
    await add(database, place.org_id, *before)
    await client.has(5)
    stopping = asyncio.create_task(two[0].stop())
    await add(database, place.org_id, *between)
    await following  # the stream has an end, and is not broken off
    assert await stopping == 0
    assert "refused to gracefully stop" not in two[0].log.read_text()  # Granian's words for a worker that it kills
    await add(database, place.org_id, *after)
    await client.follow(two[1], 15 - len(client.found))
    assert rows_of(client.found) == messages([*before, *between, *after])


async def test_a_hundred_streams_take_little_memory_and_leave_none_behind(two: list[Api]) -> None:
    api = two[0]
    async with api.crowd(AT_ONCE):  # with them come connections to PostgreSQL, which are there once
        before = api.memory()
        for _ in range(3):
            async with api.crowd(STREAMS):
                assert (api.memory() - before) / STREAMS < MOST_BYTES


async def test_five_hundred_open_pages_take_less_than_fifty_kilobytes_each(two: list[Api], database: Database) -> None:
    api = two[0]
    async with database.transaction() as session:
        found = await find_by_key(session, api.key)
        assert isinstance(found, Caller)
        _, token = await begin_session(session, found.key)
    async with api.crowd(AT_ONCE, token):
        before = api.memory()
    async with api.crowd(PAGES, token):
        assert (api.memory() - before) / PAGES < MOST_BYTES_OF_PAGE


async def test_a_stream_stays_while_postgresql_is_silent_and_then_goes_on_without_loss(
    place: Place, two: list[Api], database: Database, admin: psycopg.Connection
) -> None:
    before, meanwhile, after = some_ids(3), some_ids(3), some_ids(3)
    client = Follower()
    following = asyncio.create_task(client.follow(two[0], 9))
    await client.ready()
    await add(database, place.org_id, *before)
    await client.has(3)
    await database.close()  # the next connection is a new one, which is answered
    with silent(admin, place.url):
        await add(database, place.org_id, *meanwhile)
        assert (await two[0].client.get("/health/ready")).status_code == 503  # it has waited for seconds
        assert not following.done()
    await client.has(6)
    await add(database, place.org_id, *after)
    await following
    assert rows_of(client.found) == messages([*before, *meanwhile, *after])
