"""Forgets live events after a day.

The table has four partitions, which take turns with the days (UTC): today's, yesterday's, and two that are empty or to be
emptied. `TRUNCATE` locks the one partition, in which nobody writes. To drop and to attach partitions of days would lock the
table, and whoever sends or records would wait.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import text

from models.database import Database

FIRST_DAY, SLOTS = date(2026, 1, 1), 4
"""The same as in the column's default (`migrations/versions/0006_live_events.py`)."""
HOURS = range(1, 23)
"""Tomorrow's partition is left alone around midnight, when somebody's clock may already say the next day."""


def old_slots(at: datetime) -> list[int]:
    """Returns the partitions that hold neither this day nor the one before."""
    day = (at.date() - FIRST_DAY).days
    return [(day + ahead) % SLOTS for ahead in (2, 1) if ahead == 2 or at.hour in HOURS]


async def empty_old_slots(database: Database, at: datetime) -> Sequence[str]:
    """Empties the partitions that are older than yesterday at this moment (UTC), and returns the names of those that had
    something in them. Raises an OperationalError when somebody has been reading one of them for two seconds."""
    emptied = list[str]()
    for slot in old_slots(at):
        name = f"live_event_{slot}"
        async with database.transaction() as session:
            await session.execute(text("SET LOCAL lock_timeout = '2s'"))
            if await session.scalar(text(f"SELECT EXISTS (SELECT FROM {name})")):  # noqa: S608 - a name of ours
                await session.execute(text(f"TRUNCATE {name}"))
                emptied.append(name)
    return emptied


async def make_no_slots(_: Database, __: datetime) -> Sequence[str]:
    """All partitions are there from the beginning."""
    return []
