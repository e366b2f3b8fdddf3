"""What the redirect says of a part that does not do its work."""

import time

import structlog

from models.errors import first_line

log = structlog.get_logger()

STALE_SECONDS = 5.0
"""A part that has done its work once may be silent for so long before readiness names it."""


class Condition:
    """Whether a part that repeats its work is well. `problem`: what is wrong; None: nothing."""

    def __init__(self, what: str, sentence: str) -> None:
        """`what`: the work, for a reader. `sentence`: the problem until it was done for the first time."""
        self._what = what
        self._error: str | None = sentence
        self._good_at = time.monotonic()

    @property
    def problem(self) -> str | None:
        silent = time.monotonic() - self._good_at
        return self._error or (f"last {self._what} {silent:.0f} s ago" if silent > STALE_SECONDS else None)

    def from_disk(self, what: str) -> None:
        """There is something to work with, and PostgreSQL is still to be heard."""
        self._error = f"{what} of this machine's disk are used: PostgreSQL has not answered yet"

    def good(self) -> None:
        self._error, self._good_at = None, time.monotonic()

    def bad(self, error: Exception, consequence: str) -> None:
        if self._error is None:
            log.warning(consequence, error=str(error))
        self._error = first_line(error)
