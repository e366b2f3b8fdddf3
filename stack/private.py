"""Makes everything that a stack writes in VAR_DIR readable by its own user alone: Temporal's file, logs, the spool and the
keys."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

UMASK = 0o077
OURS = ("alive", "link_cache", "log", "spool", "postgres", "stack.json*", "shared_links.json*", "temporal.db*", "token_keys*")
OURS_TOO = ("secret_keys*", "unsubscribes", "up.lock", "worker.ready")


def write_privately() -> None:
    """Files and directories that this process and its children create from now on have the modes 0600 and 0700."""
    os.umask(UMASK)


def make_private(var_dir: Path) -> None:
    """Gives files of an earlier version the same rights, and VAR_DIR itself, unless it also holds other things. PostgreSQL looks
    after its data itself. Where root has given others the right to pass through VAR_DIR without listing it, that right stays: see
    `stack.servers.account`."""
    entries = set(var_dir.iterdir())
    ours = {path for pattern in (*OURS, *OURS_TOO) for path in var_dir.glob(pattern)}
    for path in (path for each in ours for path in _all(each)):
        _close(path, 0)
    if entries == ours:
        _close(var_dir, stat.S_IXOTH if os.geteuid() == 0 else 0)


def _all(path: Path) -> Iterator[Path]:
    """Yields the path itself and everything below it, without PostgreSQL's data, sockets and links."""
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        yield path
    if stat.S_ISDIR(mode) and path.parts[-2:] != ("postgres", "data"):
        for below in path.iterdir():
            yield from _all(below)


def _close(path: Path, kept: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    private = mode & ~UMASK | mode & kept
    if private != mode:
        path.chmod(private)
