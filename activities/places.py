"""The places that a channel has among the turns on the workflows' own queue.

A turn there is handed to the worker together with its workflow's task, which saves Temporal a task of its own. But a channel that
is slow or hangs must not hold all of the worker's slots: a turn that finds no place waits in the queue of its channel.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

PLACES = 6
"""For each channel's queue, in each worker. Three channels that hang leave some of the slots (`ACTIVITIES` in `worker.py`)."""


class Places:
    def __init__(self, most: int = PLACES) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    def has_free(self, queue: str) -> bool:
        return self._held[queue] < self._most

    @contextmanager
    def hold(self, queue: str) -> Iterator[None]:
        self._held[queue] += 1
        try:
            yield
        finally:
            self._held[queue] -= 1
