"""The link cache on disk, for a redirect process that starts while PostgreSQL is away.

It is two files under `VAR_DIR/link_cache`, each replaced as a whole: the contents, and the organizations that keep no metadata.
The second one is small and written at every change, so that a restart does not forget a setting that was switched off. All
contents take seconds to write, so a new one is first appended to a log of the process's own, which the next whole file replaces.

Several processes of one machine write the same files without a lock, and the last one wins. If a process lacked contents that
another one knew, it writes them half a second later, when its own refresh brings them. Only if it dies before that, and no
process saves again until PostgreSQL is away, does a start from disk lack those contents.
"""

import contextlib
import os
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from api.redirect.keeping.disk import replace_file
from api.redirect.keeping.frames import Damage, frame, read_frames
from models.base import new_id

log = structlog.get_logger()

CONTENTS, SWITCHES = "contents", "without_metadata"
NEW_CONTENTS = "new_contents"
BLOCK = 64 * 1024
"""Bytes that are written at a time, so that other threads run in between."""
LEFT_SECONDS = 3600.0
_KEY = struct.Struct("<II")
_ORGANIZATION = 16


@dataclass
class Loaded:
    """`saved_at` is in seconds since 1970, and None when there is no usable snapshot. `without_metadata` is None when it is not
    known."""

    entries: dict[int, bytes] = field(default_factory=dict)
    without_metadata: frozenset[bytes] | None = None
    saved_at: float | None = None


class LinkCacheSnapshot:
    """It blocks, so call it in a thread. `problem` says why it could not be written last time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._log = self._fresh_log()
        self.problem: str | None = None

    def begin_contents(self) -> Path:
        """Starts a new log for what is appended from now on. The old one is not needed once all contents of now are saved."""
        log, self._log = self._log, self._fresh_log()
        return log

    def load(self) -> Loaded:
        """Returns what is whole in the files, and nothing when there are no files. Never raises."""
        loaded = Loaded()
        for path in (self._directory / CONTENTS, *sorted(self._directory.glob(f"{NEW_CONTENTS}.*"))):
            with _readable():
                self._load_contents(loaded, path)
        with _readable():
            self._load_switches(loaded)
        with _readable():
            self._remove_leftovers()
        return loaded

    def save_contents(self, entries: Mapping[int, bytes], log: Path | None = None) -> None:
        """`entries` must not change meanwhile. `log` is what `begin_contents` returned before. A failure is kept in `problem`."""
        self._save(CONTENTS, _blocks(entries))
        if log and not self.problem:
            log.unlink(missing_ok=True)

    def append_contents(self, entries: Mapping[int, bytes]) -> None:
        """Writes some new contents, which are on disk when it returns. A failure is kept in `problem`."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            _append(self._log, _blocks(entries))
            self.problem = None
        except OSError as error:
            self._failed(error)

    def save_switches(self, without_metadata: Iterable[bytes]) -> None:
        self._save(SWITCHES, [frame(b"".join(sorted(without_metadata)))])

    def _load_contents(self, loaded: Loaded, path: Path) -> None:
        damage = Damage()
        with path.open("rb") as file:
            for block in read_frames(file, damage):
                loaded.entries.update(_entries(block))
            loaded.saved_at = max(loaded.saved_at or 0.0, os.fstat(file.fileno()).st_mtime)
        if damage != Damage():  # the rest is whole, and most links are better than no links
            log.error("link_cache on disk is damaged", file=path.name, unreadable=damage.spans, bytes_at_the_end=damage.tail)

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
        """Replaces the file by one rename, so a reader sees the old file or the new one."""
        try:
            replace_file(self._directory / name, blocks)
            self.problem = None
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        if self.problem is None:
            log.error("link_cache not saved: a restart without PostgreSQL would not know new links", error=error)
        self.problem = str(error)

    def _fresh_log(self) -> Path:
        return self._directory / f"{NEW_CONTENTS}.{new_id()}"

    def _remove_leftovers(self) -> None:
        """Of processes that were killed. An old log is only one when the whole file is younger: that was made of it."""
        contents = self._directory / CONTENTS
        saved_at = contents.stat().st_mtime if contents.exists() else 0.0
        for pattern, until in (("*.new", time.time()), (f"{NEW_CONTENTS}.*", saved_at)):
            for path in self._directory.glob(pattern):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < until - LEFT_SECONDS:  # nobody is still writing it
                        path.unlink()


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """A file that is missing or cannot be read does not keep the others from being read."""
    try:
        yield
    except FileNotFoundError:
        pass  # the first start
    except OSError as error:
        log.error("link_cache on disk cannot be read", error=error)


def _append(path: Path, blocks: Iterable[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_APPEND, 0o600)
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
