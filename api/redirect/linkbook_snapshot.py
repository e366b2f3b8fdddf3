"""The linkbook on disk, for a redirect process that starts while PostgreSQL is away.

Two files under `VAR_DIR/linkbook`, each replaced as a whole: the contents, and the organizations that keep no metadata. The
second one is small and written at every change, so that a switched off setting is not forgotten by a restart. Several processes
of one machine write the same; the last one wins.
"""

import contextlib
import os
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from api.redirect.frames import Damage, frame, read_frames
from models.base import new_id

log = structlog.get_logger()

CONTENTS, SWITCHES = "contents", "without_metadata"
BLOCK = 64 * 1024
"""Bytes written at a time: other threads run in between."""
LEFT_SECONDS = 3600.0
_KEY = struct.Struct("<II")
_ORGANIZATION = 16


@dataclass
class Loaded:
    """`saved_at`: seconds since 1970; None: there is no usable snapshot. `without_metadata` None: not known."""

    entries: dict[int, bytes] = field(default_factory=dict)
    without_metadata: frozenset[bytes] | None = None
    saved_at: float | None = None


class LinkbookSnapshot:
    """Blocking: call it in a thread. `problem`: why it could not be written last time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.problem: str | None = None

    def load(self) -> Loaded:
        """What is whole in the files; nothing when there are none. Never raises."""
        loaded = Loaded()
        try:
            self._remove_leftovers()
            self._load_contents(loaded)
            self._load_switches(loaded)
        except FileNotFoundError:
            pass  # the first start
        except OSError as error:
            log.error("linkbook on disk cannot be read", error=str(error))
        return loaded

    def save_contents(self, entries: Mapping[int, bytes]) -> None:
        """`entries` must not change meanwhile. A failure is kept in `problem`."""
        self._save(CONTENTS, _blocks(entries))

    def save_switches(self, without_metadata: Iterable[bytes]) -> None:
        self._save(SWITCHES, [frame(b"".join(sorted(without_metadata)))])

    def _load_contents(self, loaded: Loaded) -> None:
        damage = Damage()
        with (self._directory / CONTENTS).open("rb") as file:
            for block in read_frames(file, damage):
                loaded.entries.update(_entries(block))
            loaded.saved_at = os.fstat(file.fileno()).st_mtime
        if damage != Damage():  # the rest is whole, and most links are better than none
            log.error("linkbook on disk is damaged", unreadable=damage.spans, bytes_at_the_end=damage.tail)

    def _load_switches(self, loaded: Loaded) -> None:
        damage = Damage()
        with (self._directory / SWITCHES).open("rb") as file:
            found = list(read_frames(file, damage))
        if damage == Damage() and len(found) == 1 and len(found[0]) % _ORGANIZATION == 0:
            starts = range(0, len(found[0]), _ORGANIZATION)
            loaded.without_metadata = frozenset(found[0][start : start + _ORGANIZATION] for start in starts)
        else:
            log.error("metadata switches on disk are damaged: no metadata is kept until PostgreSQL is back")

    def _save(self, name: str, blocks: Iterable[bytes]) -> None:
        """In one rename: whoever reads sees the old file or the new one."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = self._directory / f"{name}.{new_id()}.new"
            try:
                _write(fresh, blocks)
                fresh.rename(self._directory / name)
            finally:
                fresh.unlink(missing_ok=True)
            self.problem = None
        except OSError as error:
            if self.problem is None:
                log.error("linkbook not saved: a restart without PostgreSQL would not know new links", error=str(error))
            self.problem = str(error)

    def _remove_leftovers(self) -> None:
        for path in self._directory.glob("*.new"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - LEFT_SECONDS:  # nobody is still writing it
                    path.unlink()


def _write(path: Path, blocks: Iterable[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for block in blocks:
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def _blocks(entries: Mapping[int, bytes]) -> Iterator[bytes]:
    parts, size = [], 0
    for content_id, entry in entries.items():
        parts += [_KEY.pack(content_id, len(entry)), entry]
        size += len(entry) + _KEY.size
        if size >= BLOCK:
            yield frame(b"".join(parts))
            parts, size = [], 0
    yield frame(b"".join(parts))


def _entries(block: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(block):
        content_id, length = _KEY.unpack_from(block, at)
        at += _KEY.size + length
        yield content_id, block[at - length : at]
