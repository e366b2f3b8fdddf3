"""Limits how many bytes of bodies one organization, or one client, may keep in this process at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from models.errors import TooManyRequests

SHARE_OF_PAGE = "linkwake.share_of_page"
"""Where a request that the console makes in this process has the share of the page's own request. What a form brings is passed on
and not brought a second time."""


class Share:
    """The bytes of a limit that one request uses."""

    def __init__(self, memory: "BodyMemory", whose: UUID | str) -> None:
        self._memory, self._whose = memory, whose
        self.taken = 0

    def take(self, size: int, *, refuses: bool = True) -> None:
        """Takes this many bytes more, or nothing when the number is not positive. Raises TooManyRequests when there are too
        many and it `refuses`."""
        if size > 0:
            self._memory.take(self._whose, size, refuses=refuses)
            self.taken += size

    def give_back(self) -> None:
        self._memory.take(self._whose, -self.taken)
        self.taken = 0


class BodyMemory:
    """`limit` is the number of bytes for each organization, from the time a body is announced until its request is answered.
    `whose` says whose requests those are, for the error."""

    def __init__(self, limit: int, whose: str = "your organization's requests") -> None:
        self._limit, self._whose = limit, whose
        self._taken_by: Counter[UUID | str] = Counter()

    def take(self, whose: UUID | str, size: int, *, refuses: bool = True) -> None:
        """Takes bytes, or gives them back when the number is negative. Raises TooManyRequests, if it `refuses`."""
        if refuses and size > 0 and self._taken_by[whose] + size > self._limit:
            raise TooManyRequests(
                f"The bodies of {self._whose} at one time may have {self._limit / 2**20:g} MB together. "
                "Send this one again when others are answered."
            )
        self._taken_by[whose] += size
        if not self._taken_by[whose]:
            del self._taken_by[whose]

    def require_room(self, whose: UUID | str) -> None:
        """Raises TooManyRequests when nothing more can be taken."""
        if self._taken_by[whose] >= self._limit:
            self.take(whose, 1)

    @contextmanager
    def share(self, whose: UUID | str) -> Iterator[Share]:
        share = Share(self, whose)
        try:
            yield share
        finally:
            share.give_back()
