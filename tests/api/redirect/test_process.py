"""The redirect as it runs in production: a process of its own under Granian."""

import asyncio
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from models.database import Database
from models.organizations.organization import Organization
from settings import Settings
from stack.children.processes import tethered
from tests.clicks import IPHONE, LONDON, rows, send
from tracking.tokens.token import TokenCodec

ROOT = Path(__file__).parents[3]


@pytest.fixture
def address(settings: Settings, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert settings.token_keys is not None
    environment = {
        **os.environ,
        "SUSPECT_HOLD": "PT0S",
        "DATABASE_URL": settings.effective_database_url,
        "TOKEN_KEYS": settings.token_keys.get_secret_value(),
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
        "VAR_DIR": str(tmp_path),
    }
    environment |= {"REDIRECT_HOST": "127.0.0.1", "REDIRECT_PORT": str(port)}
    command = tethered([sys.executable, "cli.py", "redirect"])
    with subprocess.Popen(command, env=environment, cwd=ROOT) as process:  # noqa: S603 # our own interpreter
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        assert process.wait(20) == 0


async def ready(client: httpx.AsyncClient) -> httpx.Response:
    async with asyncio.timeout(20):
        while True:
            try:
                return await client.get("/health/ready")
            except httpx.ConnectError:
                await asyncio.sleep(0.05)


async def test_clicks_over_the_network_are_answered_and_stored(
    address: str, database: Database, settings: Settings, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, people=50, wakes=[0])
    codec = TokenCodec(settings.effective_token_keys)
    headers = {"User-Agent": IPHONE, "X-Forwarded-For": LONDON, "Accept": "text/html"}
    async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False) as client:
        assert (await ready(client)).status_code == 200
        paths = [f"/{codec.encode(sent.content_id, n, 0)}" for n in range(50)]
        answers = await asyncio.gather(*map(client.get, paths))
        assert {(each.status_code, each.headers["location"]) for each in answers} == {(302, "https://example.com/a")}
        assert (await client.head(paths[0])).status_code == 302
        assert (await client.post(paths[0])).status_code == 405
        for path in ("/", "/nothing", "/nothing/", "/health/"):
            unknown = await client.get(path, headers={"Host": "evil.test"})
            assert (unknown.status_code, unknown.headers.get("location")) == (404, None)
        for tail in ("/", "查看/或者"):
            assert (await client.head(paths[0] + tail)).status_code == 302
        assert (await client.get("/health")).status_code == 200
    assert await rows(database, "SELECT ip, count(*) FROM click_inbox GROUP BY 1") == [(LONDON, 50)]
    assert await rows(database, "SELECT count(*) FROM signal_outbox") == [50]


async def test_silent_connections_keep_nobody_out(address: str) -> None:
    """More of them than Granian serves by itself."""
    files, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, min(hard, 4_096)), hard))
    host, port = address.removeprefix("http://").split(":")
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        await ready(client)
    with ExitStack() as silent:
        for _ in range(1_100):
            silent.enter_context(socket.create_connection((host, int(port))))
        async with httpx.AsyncClient(base_url=address, timeout=20, trust_env=False) as client:
            assert (await client.get("/nothing")).status_code == 404


async def test_who_asks_for_a_websocket_is_answered_like_everybody(
    address: str, database: Database, settings: Settings, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id)
    path = f"/{TokenCodec(settings.effective_token_keys).encode(sent.content_id, sent.recipient_numbers[0], 0)}"
    key = {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        await ready(client)
        answer = await client.get(path, headers={"Connection": "Upgrade", "Upgrade": "websocket", **key})
    assert answer.status_code == 302
