"""Requests byte by byte, to a redirect process under Granian: where one ends, and which page it is for."""

import contextlib
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from api.redirect.answering.rsgi import LONGEST_BODY
from models.database import Database
from models.organizations.organization import Organization
from settings import Settings
from tests.api.redirect.test_process import address, ready  # noqa: F401 # fixtures
from tests.clicks import rows, send
from tracking.tokens.token import TokenCodec

LINES = [
    b"GET /AAAAAAAAAAAAAA HTTP/1.1",
    b"HEAD /AAAAAAAAAAAAAA HTTP/1.1",
    b"GET /health/live HTTP/1.1",
    b"PUT /AAAAAAAAAAAAAA HTTP/1.1",
    b"POST /unsubscribe/AAAAAAAAAAAAAA HTTP/1.1",
    b"GET /unsubscribe/AAAAAAAAAAAAAA HTTP/1.1",
]
LAST = b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"


async def started(address: str) -> tuple[str, int]:  # noqa: F811 # what the fixture gives
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        await ready(client)
    parts = urlsplit(address)
    return str(parts.hostname), parts.port or 0


def exchange(place: tuple[str, int], sent: bytes) -> bytes:
    """What comes back until the server ends the connection, which it may do while it is being written to."""
    received = b""
    with socket.create_connection(place, timeout=20) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(sent)
        while chunk := connection.recv(65_536):
            received += chunk
    return received


def with_body(line: bytes, body: bytes, in_chunks: bool) -> bytes:
    length = b"Transfer-Encoding: chunked" if in_chunks else f"Content-Length: {len(body)}".encode()
    body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n" if in_chunks else body
    return b"\r\n".join((line, b"Host: a.test", length, b"", body))


@pytest.mark.parametrize("in_chunks", [False, True])
async def test_what_stands_in_a_body_is_never_a_request_of_its_own(
    address: str,  # noqa: F811
    database: Database,
    settings: Settings,
    organization: tuple[Organization, str],
    in_chunks: bool,
) -> None:
    """Links are answered before the body of their request has come, and of a form only the beginning is read."""
    sent = await send(database, organization[0].id)
    token = TokenCodec(settings.effective_token_keys).encode(sent.content_id, sent.recipient_numbers[0], 0)
    click = f"GET /{token} HTTP/1.1\r\nHost: a.test\r\nUser-Agent: a\r\n\r\n".encode()
    place = await started(address)
    for line in LINES:
        for before in (0, LONGEST_BODY, 200_000):
            answers = exchange(place, with_body(line, b"a" * before + click, in_chunks) + LAST)
            count = answers.count(b"HTTP/1.1 ")
            assert count == 1 or (count == 2 and answers.endswith(b'{"status":"alive"}')), (line, before, answers)
    assert await rows(database, "SELECT id FROM click_inbox") == []
    alone = click.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n"
    assert exchange(place, alone).startswith(b"HTTP/1.1 302")  # so it is one


@pytest.mark.parametrize("path", ["/metrics", "/%6detrics", "//metrics", "/metrics/", "/./metrics", "/x/../metrics", "/METRICS"])
async def test_the_metrics_are_closed_to_the_public_however_their_path_is_written(address: str, path: str) -> None:  # noqa: F811
    place = await started(address)
    for target in (path, f"http://a.test{path}", f"{path}?x=1"):
        request = f"GET {target} HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n"
        assert exchange(place, request.encode()).startswith(b"HTTP/1.1 404"), target
