"""The places that a channel has among a worker's activities, so that one that is slow or hangs cannot hold all of them.

On the workflows' own queue, the channels of one kind share some places: a turn there is handed to the worker together with its
workflow's task, which saves Temporal a task of its own, and a turn that finds no place goes to the queue of its kind of channel.
There, and on the queue of campaigns' pages, each channel has some places of its own. A turn or a page that finds none gives its
slot back and comes back later, so that channels of other organizations are served meanwhile.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from models.base import now

PLACES = 6
"""For each kind of channel on the workflows' queue, in each worker. Three kinds that hang leave some of the slots (`ACTIVITIES`
in `worker.py`)."""
SEND_SLOTS, SEND_PLACES = 40, 10
"""How many turns run at a time on the queue of one kind of channel, and how many of them one channel may hold."""
PAGE_SLOTS, PAGE_PLACES = 20, 5
"""The same for pages of campaigns, which are many messages each."""

SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=1)


class Places:
    def __init__(self, most: int = PLACES) -> None:
        """Each queue, or each channel, has `most` places."""
        self._most = most
        self._held: Counter[str | UUID] = Counter()
        self._line: dict[UUID, datetime] = {}

    def has_free(self, key: str | UUID) -> bool:
        return self._held[key] < self._most

    @contextmanager
    def hold(self, key: str | UUID) -> Iterator[None]:
        self._held[key] += 1
        try:
            yield
        finally:
            self._held[key] -= 1

    def wait_for(self, channel_id: UUID) -> datetime:
        """Returns when somebody who has found no place looks again: one after the other, as many a second as there are places,
        and within a minute at the latest."""
        at = now()
        behind = self._line.get(channel_id, at) + SHORTEST_WAIT / self._most
        self._line[channel_id] = min(max(behind, at + SHORTEST_WAIT), at + LONGEST_WAIT)
        return self._line[channel_id]
