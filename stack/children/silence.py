"""Measures how long a child has shown no sign of life, by a file that its event loop touches and by the state in which the kernel
has it."""

from dataclasses import dataclass
from pathlib import Path

import psutil

LONGEST_STEP = 1.0
"""The most seconds that count between two looks. When the whole machine sleeps, is suspended or is too busy to look, the child
had no chance to show anything either."""


@dataclass
class Silence:
    """`seconds` counts the watched silence. `heard` says whether the child has shown a sign of life since its start."""

    file: Path | None
    seconds: float = 0.0
    heard: bool = False
    _last: int | None = None

    def begin(self) -> None:
        """Call this when the child has been started again."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)
        self.seconds, self.heard, self._last = 0.0, False, None

    def look(self, pid: int, step: float) -> None:
        """`step` is the number of seconds since the last look."""
        if _is_stopped(pid) or not self._file_says_so():
            self.seconds += min(step, LONGEST_STEP)
        else:
            self.seconds = 0.0

    def _file_says_so(self) -> bool:
        if self.file is None:
            return True
        try:
            touched = self.file.stat().st_mtime_ns
        except OSError:
            return False
        fresh, self._last = touched != self._last, touched
        self.heard = self.heard or fresh
        return fresh


def _is_stopped(pid: int) -> bool:
    """Returns whether the process is stopped by SIGSTOP, which a process that merely waits for a touch would survive."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False
