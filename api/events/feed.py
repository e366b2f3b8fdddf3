"""The latest live events of one organization, as its streams read them: at a place of their own each, and at their own speed."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

import orjson

from models.live.cursor import Cursor

KEPT = 500
"""Events that a feed remembers. A stream that is further behind reads from the database."""


class ShownEvent(NamedTuple):
    """An event as it is sent, and what streams are filtered by."""

    cursor: Cursor
    kind: str
    campaign_id: UUID | None
    sequence_id: UUID | None
    contact_id: UUID | None
    data: bytes

    def frame(self) -> bytes:
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (str(self.cursor).encode(), self.kind.encode(), self.data)


def shown(cursor: Cursor, document: dict[str, object]) -> ShownEvent:
    """`document` is one of `describe_events`."""
    owners = {name: document[name] for name in ("kind", "campaign_id", "sequence_id", "contact_id")}
    return ShownEvent(cursor, data=orjson.dumps(document, option=orjson.OPT_UTC_Z), **owners)  # type: ignore[arg-type]


class Feed:
    """`end` is the place behind the last event, and `first` that of the oldest one that is remembered."""

    def __init__(self) -> None:
        self._events: deque[ShownEvent] = deque(maxlen=KEPT)
        self.end = 0
        self.wakes: set[asyncio.Event] = set()
        """What is set when there is something new, one for each stream."""

    @property
    def first(self) -> int:
        return self.end - len(self._events)

    def add(self, events: Sequence[ShownEvent]) -> None:
        self._events.extend(events)
        self.end += len(events)
        self._wake()

    def skip(self) -> None:
        """There are more events than a feed remembers: all streams read them from the database."""
        self._events.clear()
        self.end += 1
        self._wake()

    def after(self, place: int, most: int) -> Iterator[ShownEvent]:
        """Yields the events from this place on, which must be remembered."""
        for index in range(place - self.first, min(place - self.first + most, len(self._events))):
            yield self._events[index]

    def _wake(self) -> None:
        for wake in self.wakes:
            wake.set()
