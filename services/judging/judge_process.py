"""The process that reads texts for the API: one job after the other from its input, each with a limit of processor time.

It ends when its input ends, and so with the process that started it. What it imports has to stay small: no database, no Temporal.
"""

import gc
import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, BinaryIO

LENGTH = struct.Struct("!I")
"""Precedes each job and each answer: the number of bytes that follow."""

Job = tuple[Callable[[], Any], float]
"""What to do, and the seconds of processor time that it may take."""

DONE, TOO_SLOW, FAILED = "done", "too slow", "failed"


class _TooSlow(BaseException):
    """It is a BaseException, so that no `except Exception` of a library catches it."""


def answer(job: Job) -> tuple[str, Any]:
    """DONE comes with the result, TOO_SLOW with nothing, and FAILED with the name of an unexpected error."""
    function, seconds = job
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            return DONE, function()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except (_TooSlow, RecursionError, MemoryError):
        return TOO_SLOW, None
    except Exception as error:
        return FAILED, type(error).__name__


def read(source: BinaryIO) -> bytes | None:
    """Returns the next job or answer, or None when there will be no other."""
    length = source.read(LENGTH.size)
    return source.read(LENGTH.unpack(length)[0]) if len(length) == LENGTH.size else None


def main() -> None:
    gc.freeze()
    gc.set_threshold(50_000)  # a text makes many small objects, and nearly all of them are freed without the collector
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a text that is printed by mistake must not look like an answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent
    signal.signal(signal.SIGPROF, _end)
    while (job := read(jobs)) is not None:
        found = pickle.dumps(answer(pickle.loads(job)))  # noqa: S301 - comes from the API's process alone
        answers.write(LENGTH.pack(len(found)) + found)
        answers.flush()


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise _TooSlow


if __name__ == "__main__":
    main()
