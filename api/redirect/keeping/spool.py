"""The spool keeps what PostgreSQL did not take in time on this machine's disk until it does: clicks, and requests to unsubscribe.

Each process appends to a file of its own, which it keeps locked while it lives (`flock`). A file that nobody has locked was left
by a dead process, and whoever finds it takes it over. A file is removed when all of it is in PostgreSQL. See
`docs/decisions/0006-a-spool-beside-the-database.md`.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from api.redirect.keeping.disk import sync_directory
from api.redirect.keeping.frames import Damage, frame, read_frames
from models.base import new_id

log = structlog.get_logger()
Result = TypeVar("Result")

SUFFIX = ".spool"
PROBE, PROBE_BYTES = "probe", 4096
"""A file that is written and removed, to see whether the disk takes anything."""
DISK_SECONDS, SHORT_SECONDS = 2.0, 0.05
"""Seconds after which a disk that does not answer counts as full, so that contacts do not wait for it (the second time, even
less)."""


@dataclass(eq=False)
class SpoolFile:
    """A file that this process holds. `size` counts the bytes that are durable."""

    path: Path
    descriptor: int
    size: int

    def payloads(self, damage: Damage) -> Iterator[bytes]:
        """From the beginning, as long as nothing is appended any more."""
        with self.path.open("rb") as file:
            yield from read_frames(file, damage)


class Spool:
    """`limit` is in bytes of all files that this process holds, and `what` says what they hold. Methods are for one event loop,
    and the disk's work is done in a thread.

    `problem` says why the last ones could not be appended, and is None when they could.
    """

    def __init__(self, directory: Path, limit: int, what: str = "clicks") -> None:
        self._directory = directory
        self._limit = limit
        self._what = what
        self._current: SpoolFile | None = None
        self._sealed: list[SpoolFile] = []
        self._foreign: set[Path] = set()
        self._disk = ThreadPoolExecutor(1, "spool")
        self._appending: asyncio.Future[int] | None = None
        self.problem: str | None = None

    @property
    def files(self) -> int:
        """How many files are not replayed yet."""
        return len(self._sealed) + bool(self._current and self._current.size)

    @property
    def size(self) -> int:
        """Bytes that are not replayed yet."""
        return sum(file.size for file in [*self._sealed, *([self._current] if self._current else [])])

    @property
    def state(self) -> str | None:
        """Returns what a person should know, or None when nothing is spooled and something could be."""
        waiting = f"{self.size:,} bytes of {self._what} wait for PostgreSQL" if self.size else None
        return "; ".join(filter(None, [self.problem, waiting])) or None

    async def open(self) -> None:
        """Creates this process's file, so that a disk that cannot be written to is known from the start."""
        await self._in_thread(self._open)

    async def append(self, payloads: Sequence[bytes]) -> int:
        """Returns how many of them, from the first one on, are durable now. With fewer than all, the disk or the spool is full or
        broken."""
        if self._appending and not (await asyncio.wait([self._appending], timeout=SHORT_SECONDS))[0]:
            return 0  # the disk has not answered to the last ones yet
        self._appending = self._in_thread(lambda: self._append(payloads))
        done, _ = await asyncio.wait([self._appending], timeout=DISK_SECONDS)
        if done:
            return self._appending.result()
        self._trouble("the disk does not answer")
        return 0

    async def take(self) -> list[SpoolFile]:
        """Returns what is to be replayed: everything that was appended until now, and the files of dead processes."""
        return await self._in_thread(self._take)

    async def adopt(self) -> bool:
        """Looks for files of dead processes. Returns whether there is anything to be replayed."""
        await self._in_thread(self._adopt)
        return self.files > 0

    async def check(self) -> None:
        """Tries the disk again when the last ones could not be appended and nothing waits, so that `problem` goes away by
        itself when its cause is gone."""
        if self.problem and not self.size:
            await self._in_thread(self._check)

    async def remove(self, file: SpoolFile) -> None:
        """Removes a file when all of it is in PostgreSQL."""
        await self._in_thread(lambda: self._remove(file))
        self.problem = None  # there is room again

    async def close(self) -> None:
        """Leaves the files to the next process, unless they are empty."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISK_SECONDS):
                await self._in_thread(self._release)
        self._disk.shutdown(wait=False)

    def _in_thread(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        return asyncio.get_running_loop().run_in_executor(self._disk, work)

    def _open(self) -> None:
        try:
            self._current = self._create()
        except OSError as error:
            self._trouble(str(error))

    def _check(self) -> None:
        probe = self._directory / PROBE
        try:
            self._current = self._current or self._create()
            with probe.open("wb") as file:
                file.write(bytes(PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
            self.problem = None
        except OSError as error:
            self._trouble(str(error))
        finally:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)

    def _append(self, payloads: Sequence[bytes]) -> int:
        room, frames = self._limit - self.size, []
        for payload in payloads:
            frames.append(frame(payload))
            room -= len(frames[-1])
            if room < 0:
                frames.pop()
                self._trouble(f"the spool is full: it may take {self._limit:,} bytes")
                break
        try:
            if frames:
                self._write(b"".join(frames))
        except OSError as error:
            self._trouble(str(error))
            return 0
        if len(frames) == len(payloads):
            self.problem = None
        return len(frames)

    def _write(self, data: bytes) -> None:
        file = self._current = self._current or self._create()
        try:
            _write_all(file.descriptor, data)
            os.fsync(file.descriptor)
        except OSError:
            self._abandon(file)
            raise
        file.size += len(data)

    def _abandon(self, file: SpoolFile) -> None:
        """Nobody knows what this file has behind its last success after a failed write or fsync, so nothing more is appended to
        it."""
        with contextlib.suppress(OSError):
            os.ftruncate(file.descriptor, file.size)
        self._current = None
        if file.size:
            self._sealed.append(file)
        else:
            self._remove(file)

    def _create(self) -> SpoolFile:
        """Creates a file of our own. Until it is locked, another process can mistake it for a dead one's and remove it."""
        if not self._directory.is_dir():
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_directory(self._directory.parent)
        while True:
            path = self._directory / f"{new_id()}{SUFFIX}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            file = SpoolFile(path, descriptor, 0)
            if not _lock(descriptor):
                os.close(descriptor)
                continue
            try:
                sync_directory(self._directory)
            except OSError:
                self._remove(file)
                raise
            return file

    def _take(self) -> list[SpoolFile]:
        if self._current and self._current.size:
            self._sealed.append(self._current)
            self._current = None
        self._adopt()
        return list(self._sealed)

    def _adopt(self) -> None:
        held = {file.path for file in self._sealed} | ({self._current.path} if self._current else set())
        for path in sorted(self._directory.glob(f"*{SUFFIX}")):
            if path not in held | self._foreign:
                try:
                    self._adopt_file(path)
                except FileNotFoundError:  # its owner has removed it
                    pass
                except OSError as error:
                    self._foreign.add(path)
                    log.error("spool file cannot be read, and is not replayed", of=self._what, file=path.name, error=error)

    def _adopt_file(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        if not _lock(descriptor):
            os.close(descriptor)  # its process lives
            return
        file = SpoolFile(path, descriptor, os.fstat(descriptor).st_size)
        log.info("spool file of an earlier process taken over", file=path.name, bytes=file.size)
        self._sealed.append(file)

    def _remove(self, file: SpoolFile) -> None:
        if file in self._sealed:
            self._sealed.remove(file)
        file.path.unlink(missing_ok=True)
        os.close(file.descriptor)

    def _release(self) -> None:
        if self._current and not self._current.size:
            self._remove(self._current)
        elif self._current:
            os.close(self._current.descriptor)
        for file in self._sealed:
            os.close(file.descriptor)
        self._current, self._sealed = None, []

    def _trouble(self, why: str) -> None:
        if self.problem is None:
            log.error("nothing can be spooled: what PostgreSQL does not take is lost", of=self._what, why=why)
        self.problem = why


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _lock(descriptor: int) -> bool:
    """Returns False when another process has it, or has removed it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(descriptor).st_nlink > 0
