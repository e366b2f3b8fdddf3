"""Reads texts away from the event loop, in processes of their own: whatever a text holds, no other request waits for it.

Why processes and not threads: `docs/decisions/0011-texts-in-a-process-of-their-own.md`.
"""

import asyncio
import functools
import hashlib
import pickle
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast
from uuid import UUID

import structlog

from models.errors import Unavailable
from services.judging.judge_process import DONE, LENGTH, TOO_SLOW
from services.process.turns import Turns

SECONDS = 1.0  # of processor time, for one message
PATIENCE = 12.0  # seconds until a silent process is killed: below the time in which every request is answered
PROCESSES = 2
WAITING = 50  # requests of an organization that wait for their turn
KEPT_BYTES = 16 * 2**20  # bytes of answers that are remembered

_ROOT = Path(__file__).parents[2]
_P = ParamSpec("_P")
_T = TypeVar("_T")

log = structlog.get_logger()


class TooSlow(Exception):
    """The text takes longer to read than any text may."""


class Judge:
    """Each organization has one turn at a time: its texts are read one after the other, and those of others between them.

    Processes are started when they are needed. What was read is remembered, so that the same text is not read again.
    """

    def __init__(self, seconds: float = SECONDS, patience: float = PATIENCE) -> None:
        self._seconds, self._patience = seconds, patience
        self._places = Turns(1, WAITING)
        self._free = asyncio.Semaphore(PROCESSES)
        self._idle: list[_Process] = []
        self._kept = _Kept(KEPT_BYTES)

    async def ask(self, org_id: UUID, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Returns what the function returns, which must be one of a module without database. The answer is remembered.

        Raises TooSlow when it takes too long, and Unavailable when no process answers.
        """
        job = self._job(functools.partial(function, *args, **kwargs))
        key = hashlib.sha256(job).digest()
        if (kept := self._kept.get(key)) is None:
            async with self._places.turn(org_id):
                kept = self._kept.get(key) or await self._answer(job)
            self._kept.put(key, kept)
        return cast(_T, self._result(kept))

    async def ask_once(self, org_id: UUID, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Works as `ask`, for texts about a person: nothing of it is remembered."""
        async with self._places.turn(org_id):
            found = await self._answer(self._job(functools.partial(function, *args, **kwargs)))
        return cast(_T, self._result(found))

    async def close(self) -> None:
        """Ends the processes."""
        while self._idle:
            await self._idle.pop().end()

    def _job(self, function: Callable[[], object]) -> bytes:
        return pickle.dumps((function, self._seconds))

    def _result(self, found: bytes) -> object:
        state, result = pickle.loads(found)  # noqa: S301 - comes from a process of ours
        if state == TOO_SLOW:
            raise TooSlow
        if state != DONE:
            log.error("a text could not be read", error=result)
            raise RuntimeError(f"a text could not be read: {result}")
        return result

    async def _answer(self, job: bytes) -> bytes:
        async with self._free:
            process = self._idle.pop() if self._idle else await _Process.start()
            try:
                async with asyncio.timeout(self._patience):
                    found = await process.answer(job)
            except (TimeoutError, OSError, EOFError) as error:
                await process.end()
                log.error("a process that reads texts was ended", error=type(error).__name__)
                raise Unavailable("The text could not be read in time. Send the request again.") from None
            except BaseException:  # the request is given up, and the next one would otherwise read its answer
                await process.end()
                raise
            self._idle.append(process)
            return found


class _Process:
    """One child process, which gets one job at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin  # noqa: S101 - both are pipes
        assert process.stdout  # noqa: S101
        self._process, self._jobs, self._answers = process, process.stdin, process.stdout

    @classmethod
    async def start(cls) -> "_Process":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.judging.judge_process"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=_ROOT,
            env={},  # a process that reads texts of strangers has no passwords to lose
            start_new_session=True,  # Ctrl+C in a terminal is for the API, which ends this process
        )
        return cls(process)

    async def answer(self, job: bytes) -> bytes:
        self._jobs.write(LENGTH.pack(len(job)) + job)
        await self._jobs.drain()
        length = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))[0]
        return await self._answers.readexactly(length)

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._jobs.close()


class _Kept:
    """The answers that were used last, up to this many bytes together."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, key: bytes) -> bytes | None:
        if key in self._answers:
            self._answers.move_to_end(key)
        return self._answers.get(key)

    def put(self, key: bytes, answer: bytes) -> None:
        self._size += len(answer) - len(self._answers.pop(key, b""))
        self._answers[key] = answer
        while self._size > self._most:
            self._size -= len(self._answers.popitem(last=False)[1])
