"""A directory for large data of one run, which is removed at its end, or, if the run was killed, at the beginning of the next."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

PREFIX = "linkwake-tests-"


def remove_left(parent: Path) -> None:
    """Removes the directories of runs that were killed."""
    for left in parent.glob(f"{PREFIX}*"):
        if not psutil.pid_exists(int(left.name.removeprefix(PREFIX).partition("-")[0])):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def own_directory(parent: Path) -> Iterator[Path]:
    remove_left(parent)
    prefix = f"{PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as directory:
        yield Path(directory)
