"""Lets an event be logged so often and not more, so that nobody who causes it can fill the disk."""

import time
from collections.abc import Callable

LINES = 20
SECONDS = 60.0
"""The most log lines in this many seconds. The next line says how many were left out."""


class FewLines:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began, self._lines, self._left_out = clock(), 0, 0

    def next(self) -> int | None:
        """Returns how many lines were left out before this one, or None when this one is left out as well."""
        if self._clock() - self._began >= SECONDS:
            self._began, self._lines = self._clock(), 0
        if self._lines >= LINES:
            self._left_out += 1
            return None
        self._lines += 1
        left_out, self._left_out = self._left_out, 0
        return left_out
