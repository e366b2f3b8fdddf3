"""The load generator: what it reports is what happened."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from bench._load import ALPHABET, Generator, heads, random_tokens


@contextmanager
def server(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Answers every request alike; its port, and the requests that it got."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(connection: socket.socket) -> None:
            with connection:
                while request := connection.recv(65536):
                    got.append(request)
                    connection.sendall(answer)

        def accept() -> None:
            for _ in range(2):
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], got


def tokens() -> Iterator[bytes]:
    return (b"%014d" % number for number in count())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.1 503 Busy\r\n\r\n"])
def test_an_answer_that_is_no_redirect_is_an_error(answer: bytes) -> None:
    with server(answer) as (port, _), Generator(port, tokens(), 2) as generator:
        generator.flat_out(60, most=10)
        assert generator.errors == len(generator.latencies) == 10


def test_each_token_is_asked_for_once_and_all_answers_are_waited_for() -> None:
    with server(b"HTTP/1.1 302 Found\r\n\r\n") as (port, got), Generator(port, tokens(), 2) as generator:
        generator.flat_out(60, most=25)
        assert generator.errors == 0
        assert sorted(request[5:19] for request in got) == [b"%014d" % number for number in range(25)]


def test_a_steady_load_is_as_long_as_it_says() -> None:
    with server(b"HTTP/1.1 302 Found\r\n\r\n") as (port, got), Generator(port, tokens(), 2) as generator:
        generator.steadily(0.2, rate=100)
        assert len(got) == len(generator.latencies) == 20


def test_random_tokens_look_like_tokens() -> None:
    made = random_tokens()
    assert all(len(token) == 14 and set(token) <= set(ALPHABET) for token in (next(made) for _ in range(100)))


def test_every_head_is_a_whole_request() -> None:
    assert all(head.startswith(b" HTTP/1.1\r\nHost: ") and head.endswith(b"\r\n\r\n") for head in heads())
