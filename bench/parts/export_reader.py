"""Reads an export to its end, in a process of its own that goes on when it is broken off: `python -m bench.parts.export_reader`.

It gets `Wanted` as JSON on standard input, prints a line when the first piece has come, and `Read` as JSON at the end.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass

import httpx

NICENESS = 15


@dataclass(frozen=True)
class Wanted:
    """`address` is that of the export as JSON lines, with a question mark in it."""

    address: str
    key: str


@dataclass(frozen=True)
class Read:
    """`rows` are the lines that came, `told` those of which the last line tells. `parts` are the requests that it took."""

    rows: int
    told: int
    parts: int
    bytes: int
    seconds: float
    complete: bool


def main() -> None:
    os.nice(NICENESS)  # what a neighbour feels is the server's work, and not this one's
    wanted = Wanted(**json.loads(sys.stdin.readline()))
    print(json.dumps(asdict(read(wanted))), flush=True)


def read(wanted: Wanted) -> Read:
    begin, rows, told, parts, size, cursor, complete = time.monotonic(), 0, 0, 0, 0, "", False
    with httpx.Client(timeout=60, trust_env=False, headers={"Authorization": f"Bearer {wanted.key}"}) as client:
        while not complete:
            parts += 1
            last = b""
            with client.stream("GET", wanted.address + (f"&cursor={cursor}" if cursor else "")) as answer:
                answer.raise_for_status()
                for piece in answer.iter_bytes():
                    if not size:
                        print("begun", flush=True)
                    size += len(piece)
                    rows += piece.count(b"\n")
                    last = (last + piece)[-500:]
            trailer = json.loads(last.splitlines()[-1])
            rows, told = rows - 1, told + trailer["rows"]
            cursor, complete = trailer["cursor"], trailer["complete"]
    return Read(rows, told, parts, size, time.monotonic() - begin, complete)


if __name__ == "__main__":
    main()
