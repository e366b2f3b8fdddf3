"""The load: GET requests over 64 kept connections, in a process of its own, with as little Python for each as possible.

    python -m bench.parts.load PORT PATHS CONNECTIONS SECONDS [RATE] [MOST]

PATHS is a file with one token a line, which are used again when all were, or `random`; without RATE each connection asks again as
soon as it has its answer. It ends after SECONDS or MOST requests and prints what `Load` holds. Reads no answer further than its
status line: the redirect's answers come in one packet.
"""

import itertools
import json
import random
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.parts.report import percentile
from demo.people import BROWSERS, PLACES
from stack.children.processes import tethered

ROOT = Path(__file__).resolve().parent.parent.parent
ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LETTERS = (ALPHABET * 5)[:256]
TOKEN_LENGTH = 14

LUA = """
local heads = {%s}
local paths, n, offset = {}, 0, %d
for line in io.lines(%r) do n = n + 1; paths[n] = line end
function request()
  offset = offset + 1
  return "GET /" .. paths[(offset - 1) %% n + 1] .. heads[offset %% #heads + 1]
end
function done(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.stderr:write(string.format('{"answered": %%d, "errors": %%d, "seconds": %%f, "p50_ms": %%f, "p99_ms": %%f}',
    summary.requests, bad, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True)
class Load:
    """What the contacts saw. `errors`: answers that were no redirect, and connections that broke."""

    answered: int
    errors: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rps(self) -> float:
        return self.answered / self.seconds


def heads() -> list[bytes]:
    """What follows the path: browsers of people, behind a proxy, from everywhere."""
    made = []
    for number in range(500):
        agent, _ = BROWSERS[number % len(BROWSERS)]
        address = PLACES[number % len(PLACES)][0].rpartition(".")[0] + f".{number % 250 + 1}"
        made.append(
            f" HTTP/1.1\r\nHost: link.example\r\nUser-Agent: {agent}\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
            f"Accept-Language: en-GB,en;q=0.9\r\nAccept-Encoding: gzip, br\r\nX-Forwarded-For: {address}\r\n\r\n".encode()
        )
    return made


def run_load(port: int, paths: Path | str, connections: int, seconds: float, rate: int = 0, most: int = 0) -> Load:
    """Our own generator in its own process."""
    command = [
        sys.executable,
        "-m",
        "bench.parts.load",
        str(port),
        str(paths),
        str(connections),
        str(seconds),
        str(rate),
        str(most),
    ]
    # What it says on stderr when it fails is shown.
    done = subprocess.run(tethered(command), stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True)  # noqa: S603 - our own
    return Load(**json.loads(done.stdout))


def run_wrk(port: int, paths: Path, connections: int, seconds: float) -> Load:
    """The same load by wrk, which takes less of the processor."""
    script = paths.with_suffix(".lua")
    quoted = ", ".join(json.dumps(head.decode()) for head in heads())
    script.write_text(LUA % (quoted, 0, str(paths)))
    # It works with what it measured last: the script's numbers come on stderr, the table on stdout.
    command = [
        shutil.which("wrk") or "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{max(1, int(seconds))}s",
        "-s",
        str(script),
        f"http://127.0.0.1:{port}",
    ]
    done = subprocess.run(tethered(command), capture_output=True, text=True, check=True)  # noqa: S603 - a program of the machine
    return Load(**json.loads(done.stderr.splitlines()[-1]))


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


class Generator:
    """Sends prepared requests and keeps the time that each answer took, in seconds."""

    def __init__(self, port: int, tokens: Iterator[bytes], connections: int) -> None:
        self.errors = 0
        self.latencies: list[float] = []
        self._tokens, self._heads = tokens, heads()
        self._sockets = {}
        for _ in range(connections):
            each = socket.create_connection(("127.0.0.1", port))
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[each.fileno()] = each
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets.values():
            each.close()

    def flat_out(self, seconds: float, most: int) -> None:
        """Each connection asks again at once. Ends when all that was asked is answered."""
        with select.epoll() as poll:
            self._flat_out(poll, seconds, most)

    def _flat_out(self, poll: select.epoll, seconds: float, most: int) -> None:
        clock, sockets = time.perf_counter, self._sockets
        since, tokens, requests = {}, self._tokens, self._heads
        send = {fd: each.send for fd, each in sockets.items()}
        receive = {fd: each.recv for fd, each in sockets.items()}
        begin = clock()
        for fd in sockets:
            poll.register(fd, select.EPOLLIN)
            since[fd] = clock()
            send[fd](b"GET /%b%b" % (next(tokens), requests[fd % len(requests)]))
        asked, end = len(sockets), begin + seconds
        while since:
            for fd, _ in poll.poll():
                self._take(receive[fd](4096), since[fd])
                now = since[fd] = clock()
                if now > end or asked >= most:
                    del since[fd]
                    continue
                asked += 1
                send[fd](b"GET /%b%b" % (next(tokens), requests[asked % len(requests)]))

    def steadily(self, seconds: float, rate: int) -> None:
        """`rate` requests a second, each at its own time however long the ones before take; a request that finds no free
        connection counts from the time when it was due."""
        clock, free = time.perf_counter, list(self._sockets.values())
        busy: dict[socket.socket, float] = {}
        begin = clock()
        due, number = begin, 0
        while number < seconds * rate or busy:
            while number < seconds * rate and due <= clock() and free:
                each = free.pop()
                # The generator itself wakes up to 0.2 ms late; that is not the server's time.
                busy[each] = max(due, clock() - 0.0005)
                each.send(b"GET /%b%b" % (next(self._tokens), self._heads[number % len(self._heads)]))
                number += 1
                due = begin + number / rate
            wait = max(0.0, due - clock()) if number < seconds * rate and free else 1.0
            for each in select.select(list(busy), (), (), wait)[0]:
                self._take(each.recv(4096), busy.pop(each))
                free.append(each)

    def _take(self, answer: bytes, since: float) -> None:
        self.latencies.append(time.perf_counter() - since)
        if not answer.startswith(b"HTTP/1.1 302"):
            self.errors += 1
            if not answer:
                raise SystemExit("The redirect closed a connection.")


def random_tokens() -> Iterator[bytes]:
    while True:
        yield random.randbytes(TOKEN_LENGTH).translate(LETTERS)


def main(port: str, paths: str, connections: str, seconds: str, rate: str = "0", most: str = "0") -> None:
    tokens = random_tokens() if paths == "random" else itertools.cycle(Path(paths).read_bytes().split())
    with Generator(int(port), tokens, int(connections)) as generator:
        begin = time.perf_counter()
        if int(rate):
            generator.steadily(float(seconds), int(rate))
        else:
            generator.flat_out(float(seconds), int(most) or sys.maxsize)
        took = time.perf_counter() - begin
    milliseconds = [each * 1000 for each in generator.latencies]
    load = Load(len(milliseconds), generator.errors, took, percentile(milliseconds, 0.5), percentile(milliseconds, 0.99))
    print(json.dumps(vars(load)))


if __name__ == "__main__":
    main(*sys.argv[1:])
