"""A process that dies at a crash point, without a process: what it has not committed is gone, what it has committed stays."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from services.process import crashpoint


class Killed(BaseException):
    """Nothing in the product catches it, as nothing catches `kill -9`."""


def _die(_status: int) -> None:
    raise Killed


@contextmanager
def killed_at(name: str, directory: Path) -> Iterator[None]:
    """Dies at the first hit of the crash point; raises AssertionError when nothing has died there."""
    (directory / f"worker.{name}").write_text("0")
    crashpoint.arm(directory, "worker")
    try:
        with patch.object(os, "_exit", _die):
            yield
        raise AssertionError(f"nothing came to the crash point {name}")
    except Killed:
        return
    finally:
        crashpoint.arm(None, "worker")
