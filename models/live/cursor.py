"""Where a reader of live events stands. Transactions commit in another order than they begin, so no number says it: a snapshot of
PostgreSQL does, because it says of every transaction whether its rows have been seen."""

import re
from dataclasses import dataclass
from typing import Self

MOST_CHARACTERS = 16_384
"""Of a cursor. Two snapshots with a thousand transactions under way take less."""
SNAPSHOT = r"(\d{1,19})-(\d{1,19})((?:-\d{1,9})*)"
CURSOR = re.compile(rf"([0-9a-f]{{8}})\.(\d{{1,11}})\.{SNAPSHOT}(?:\.{SNAPSHOT}\.(\d{{1,19}})\.(\d{{1,19}}))?", re.ASCII)
HIGHEST = 2**63 - 1


@dataclass(frozen=True)
class Snapshot:
    """Everything below `xmin` is over, nothing from `xmax` on has been seen, and `running` are those between that were under
    way, in their order."""

    xmin: int
    xmax: int
    running: tuple[int, ...] = ()

    @classmethod
    def of_postgres(cls, text: str) -> Self:
        """Reads what `pg_current_snapshot()` shows."""
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), tuple(map(int, running.split(",") if running else ())))

    def __str__(self) -> str:
        return "-".join(map(str, (self.xmin, self.xmax, *(each - self.xmin for each in self.running))))


@dataclass(frozen=True)
class Cursor:
    """Everything visible in `seen` is behind the reader, and, when it stands in the middle of a batch, of what is visible in
    `until` whatever comes up to `last`, a transaction and a number in it. `at` is the second in which
    `seen` was taken, and `database` says where: snapshots of another one mean nothing here."""

    database: str
    at: int
    seen: Snapshot
    until: Snapshot | None = None
    last: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        place = f".{self.until}.{self.last[0]}.{self.last[1]}" if self.until else ""
        return f"{self.database}.{self.at}.{self.seen}{place}"


def read_cursor(text: str) -> Cursor | None:
    """Returns None for a text that is not a cursor of ours. Whoever writes one by hand sees the own organization's events, as
    with any other."""
    found = CURSOR.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    if found is None:
        return None
    database, at, *parts = found.groups()
    seen = _snapshot(*parts[:3])
    if parts[3] is None:
        return Cursor(database, int(at), seen) if seen else None
    until, last = _snapshot(*parts[3:6]), (int(parts[6]), int(parts[7]))
    if seen is None or until is None or until.xmax < seen.xmax or max(last) > HIGHEST:
        return None
    return Cursor(database, int(at), seen, until, last)


def _snapshot(xmin: str, xmax: str, running: str) -> Snapshot | None:
    low, high = int(xmin), int(xmax)
    found = tuple(low + int(each) for each in running.split("-")[1:])
    right = 0 < low <= high <= HIGHEST and all(low <= each < high for each in found) and sorted(set(found)) == list(found)
    return Snapshot(low, high, found) if right else None
