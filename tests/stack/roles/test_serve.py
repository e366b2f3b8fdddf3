"""What both servers take from a connection before an application sees anything of it."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.children.processes import tethered
from stack.roles.serve import HEADER_BYTES
from tests.stack.dummies import ROOT, until

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""How HTTP/2 begins with prior knowledge, and its empty frame of settings."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served") / "log"


@pytest.fixture(scope="module", params=["ASGI", "RSGI"])
def server(request: pytest.FixtureRequest, log: Path) -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address: tuple[str, int] = free.getsockname()
    command = tethered([sys.executable, "-m", "tests.stack.served", request.param, str(address[1])])
    with log.open("w") as written, subprocess.Popen(command, cwd=ROOT, stderr=written) as process:  # noqa: S603 # our own interpreter
        while not _listens(address):
            assert process.poll() is None
        yield address
        process.terminate()


def _listens(address: tuple[str, int]) -> bool:
    with contextlib.suppress(ConnectionError), socket.create_connection(address):
        return True
    return False


def exchange(address: tuple[str, int], sent: bytes) -> bytes:
    """What comes back until the server ends the connection; it may do so while it is being written to."""
    with socket.create_connection(address, timeout=20) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
        received = b""
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(65_536):
                received += chunk
        return received


def headers(*lines: bytes, path: bytes = b"/x") -> bytes:
    return b"\r\n".join((b"GET " + path + b" HTTP/1.1", b"Host: a.test", *lines, b"Connection: close", b"", b""))


def test_http_2_with_prior_knowledge_is_not_spoken(server: tuple[str, int]) -> None:
    answer = exchange(server, PREFACE)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


def test_headers_are_bounded_before_the_application_sees_them(server: tuple[str, int]) -> None:
    bomb = headers(b"User-Agent: " + b"a" * 3 * HEADER_BYTES)
    assert exchange(server, bomb).startswith(b"HTTP/1.1 431")
    many = headers(*(b"X-Forwarded-For: " + b"1" * 2_000 for _ in range(99)))
    assert exchange(server, many).startswith(b"HTTP/1.1 431")


def test_headers_of_a_usual_size_arrive(server: tuple[str, int]) -> None:
    answer = exchange(server, headers(b"Cookie: " + b"a" * 16_000))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"16000")


SECOND = b"GET /smuggled HTTP/1.1\r\nHost: b.test\r\n\r\n"
BOTH_LENGTHS = (b"Content-Length: " + str(5 + len(SECOND)).encode(), b"Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Length: +5",),
        (b"Content-Length: 5, 6",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
        (b"Transfer-Encoding: identity",),
        (b"Transfer-Encoding : chunked",),
        (b"X-Folded: a", b" Transfer-Encoding: chunked"),
        (b"X-Cut: a\x00b",),
        (b"X-Cut: a\rTransfer-Encoding: chunked",),
    ],
    ids=lambda lines: b"; ".join(lines).decode(),
)
def test_a_request_that_two_servers_would_read_differently_is_refused(server: tuple[str, int], lines: tuple[bytes, ...]) -> None:
    """A proxy in front might see the end of the request elsewhere, and take what follows for somebody else's."""
    request = b"\r\n".join((b"POST /x HTTP/1.1", b"Host: a.test", *lines, b"", b"")) + b"0\r\n\r\n" + SECOND
    answer = exchange(server, request)
    assert (answer[:12], answer.count(b"HTTP/1.1 ")) == (b"HTTP/1.1 400", 1)


def test_a_request_with_both_lengths_is_the_last_one_of_its_connection(server: tuple[str, int]) -> None:
    """RFC 9112, section 6.1: chunks count, and nothing behind them is read."""
    answer = exchange(server, b"\r\n".join((b"POST /x HTTP/1.1", b"Host: a.test", *BOTH_LENGTHS, b"", b"0", b"", b"")) + SECOND)
    assert answer.count(b"HTTP/1.1 ") == 1


def test_an_application_that_fails_is_one_line_without_the_text_of_its_error(server: tuple[str, int], log: Path) -> None:
    before = log.stat().st_size
    assert exchange(server, headers(path=b"/fail")).startswith(b"HTTP/1.1 500")
    until(lambda: log.stat().st_size > before)
    written = log.read_text()[before:]
    assert ("canary" in written, written.count("\n")) == (False, 1), written
