"""The tables that are divided by time: whose partitions are made ahead, and dropped when nobody needs them any more.

A new one is a line in `PARTITIONED`. Its functions are safe to repeat, lock nobody out for longer than a moment, and return the
names of the partitions that they made or dropped.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.clicks.partitions import drop_click_partitions, make_click_partitions
from models.database import Database
from models.live.slots import empty_old_slots, make_no_slots

Keep = Callable[[Database, datetime], Awaitable[Sequence[str]]]


@dataclass(frozen=True)
class Partitioned:
    """`make` makes the partitions that will be needed soon after this moment, `drop` drops those that are over."""

    table: str
    make: Keep
    drop: Keep


PARTITIONED: tuple[Partitioned, ...] = (
    Partitioned("click", make_click_partitions, drop_click_partitions),
    Partitioned("live_event", make_no_slots, empty_old_slots),
)
