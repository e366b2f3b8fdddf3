"""A directory for the data of one run of the tests, a benchmark or a drill, which can be large. It is removed at the end of the
run, or, if the run was killed, at the beginning of the next."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


def remove_left(kind: str, parent: Path) -> None:
    """Removes the directories of this kind whose runs were killed."""
    for left in parent.glob(f"linkwake-{kind}-*"):
        owner = re.fullmatch(rf"linkwake-{kind}-(\d+)-\w+", left.name)
        if owner and not psutil.pid_exists(int(owner[1])):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def own_directory(kind: str, parent: Path | None = None) -> Iterator[Path]:
    """`kind` is `tests`, `bench` or `drill`. By itself it is among the other temporary directories."""
    parent = parent or Path(tempfile.gettempdir())
    remove_left(kind, parent)
    prefix = f"linkwake-{kind}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as directory:
        yield Path(directory)
