"""Limits how many bytes of bodies one organization may keep in this process at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from models.errors import TooManyRequests


class Share:
    """The bytes of its organization's limit that one request uses."""

    def __init__(self, taken_by: Counter[UUID], org_id: UUID, limit: int) -> None:
        self._taken_by, self._org_id, self._limit = taken_by, org_id, limit
        self.taken = 0

    def take(self, size: int) -> None:
        """Takes this many bytes more, or nothing when the number is not positive. Raises TooManyRequests when the organization
        has too many."""
        if size <= 0:
            return
        if self._taken_by[self._org_id] + size > self._limit:
            raise TooManyRequests(
                f"The bodies of your organization's requests at one time may have {self._limit / 2**20:g} MB together. "
                "Send this one again when others are answered."
            )
        self._taken_by[self._org_id] += size
        self.taken += size

    def give_back(self) -> None:
        self._taken_by[self._org_id] -= self.taken
        if not self._taken_by[self._org_id]:
            del self._taken_by[self._org_id]


class BodyMemory:
    """`limit` is the number of bytes for each organization, from the time a body is announced until its request is answered."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken_by: Counter[UUID] = Counter()

    @contextmanager
    def share(self, org_id: UUID) -> Iterator[Share]:
        share = Share(self._taken_by, org_id, self._limit)
        try:
            yield share
        finally:
            share.give_back()
