"""What the redirect reports about a part that does not do its work."""

import time

import structlog

from safe_errors import describe

log = structlog.get_logger()

STALE_SECONDS = 5.0
"""Seconds for which a part that has done its work once may be silent before readiness names it."""


class Condition:
    """Tells whether a part that repeats its work is well. `problem` says what is wrong, and is None when nothing is."""

    def __init__(self, what: str, sentence: str) -> None:
        """`what` names the work for a reader. `sentence` is the problem until the work was done for the first time."""
        self._what = what
        self._error: str | None = sentence
        self._good_at = time.monotonic()

    @property
    def problem(self) -> str | None:
        silent = time.monotonic() - self._good_at
        return self._error or (f"last {self._what} {silent:.0f} s ago" if silent > STALE_SECONDS else None)

    def from_disk(self, what: str) -> None:
        """There is something to work with, but PostgreSQL has not been heard yet."""
        self._error = f"{what} of this machine's disk are used: PostgreSQL has not answered yet"

    def good(self) -> None:
        self._error, self._good_at = None, time.monotonic()

    def bad(self, error: Exception, consequence: str) -> None:
        if self._error is None:
            log.warning(consequence, error=error)
        self._error = describe(error)
