"""Reads live events between two snapshots, so that each is read exactly once, whenever its transaction commits.

What a snapshot has not seen is of transactions that began after it or were under way in it: both are ranges of the index, so
neither old events nor a transaction that has been open for minutes make reading slower.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.live.cursor import Cursor, Snapshot
from models.live.event_filter import EventFilter


class FoundEvent(NamedTuple):
    """A row of `live_event`."""

    org_id: UUID
    xid: int
    id: int
    kind: str
    state: str
    row_id: UUID
    campaign_id: UUID | None
    sequence_id: UUID | None
    contact_id: UUID | None
    at: datetime


class Batch(NamedTuple):
    """Events in their order, of one organization after another, and the snapshot in which they were read."""

    snapshot: Snapshot
    events: list[FoundEvent]


class Page(NamedTuple):
    """`last` is the transaction and the number up to which was looked, whether it matches or not. It is None when nothing more is
    behind."""

    events: list[FoundEvent]
    last: tuple[int, int] | None


LOOKED_AT = 10_000
"""Events that a page with a filter looks at, so that it takes a bounded time however few of them match."""

COLUMNS = ", ".join(FoundEvent._fields)
PART = f"SELECT {COLUMNS} FROM live_event WHERE org_id = {{org_id}} AND {{which}} ORDER BY xid, id LIMIT :most"  # noqa: S608
EITHER = "SELECT * FROM (({new}) UNION ALL ({was_running})) AS either ORDER BY xid, id LIMIT :most"
NEW = "xid >= :xmax"
WAS_RUNNING = "xid = ANY(CAST(:running AS bigint[]))"
WITHIN = """
AND (xid, id) > (:last_xid, :last_id) AND xid < :until_xmax AND xid <> ALL(CAST(:until_running AS bigint[]))
"""


def _unseen_of(org_id: str, within: str = "") -> str:
    parts = (PART.format(org_id=org_id, which=which + within) for which in (NEW, WAS_RUNNING))
    return EITHER.format(new=next(parts), was_running=next(parts))


# Each organization has a limit of its own, so that one with many events does not hold up the others.
SINCE = f"""
SELECT pg_current_snapshot()::text AS snapshot, found.* FROM (VALUES (1)) AS one LEFT JOIN (
    SELECT each.* FROM unnest(CAST(:org_ids AS uuid[])) AS organization (id) CROSS JOIN LATERAL (
        {_unseen_of("organization.id")}
    ) AS each
) AS found ON true ORDER BY org_id, xid, id
"""  # noqa: S608 - made of constants
BETWEEN = f"""
WITH looked AS MATERIALIZED ({_unseen_of(":org_id", WITHIN)})
SELECT behind.*, found.* FROM (
    SELECT xid, id, (SELECT count(*) FROM looked) AS count FROM looked ORDER BY xid DESC, id DESC LIMIT 1
) AS behind LEFT JOIN (
    SELECT * FROM looked WHERE {{conditions}} ORDER BY xid, id LIMIT :most_found
) AS found ON true ORDER BY found.xid, found.id
"""  # noqa: S608 - made of constants

# A server that was restored from a dump, and another database of the same server, count differently or hold other events.
IDENTITY = """
SELECT left(md5(system_identifier || '/' || database.oid), 8)
FROM pg_control_system(), pg_database database WHERE datname = current_database()
"""
PRESENT = "SELECT pg_current_snapshot()::text"

# What the recorder has committed, a crash of PostgreSQL can take back for a moment, and then the number of its transaction is
# given a second time. So a snapshot is a place only when the log is flushed after it was taken, with or without events.
MAKE_DURABLE = "SELECT pg_logical_emit_message(false, 'linkwake', '', true)"


async def database_identity(session: AsyncSession) -> str:
    """Returns eight hexadecimal digits that another database does not have."""
    return str(await session.scalar(text(IDENTITY)))


async def present(session: AsyncSession) -> Snapshot:
    """Returns the snapshot of this moment, which a crash does not take back."""
    snapshot = Snapshot.of_postgres(await session.scalar(text(PRESENT)) or "")
    await session.execute(text(MAKE_DURABLE))
    return snapshot


async def read_since(session: AsyncSession, org_ids: Sequence[UUID], seen: Snapshot, most: int) -> Batch:
    """Returns what these organizations have now and `seen` has not, at most this many events of each, and a snapshot that a
    crash does not take back. An organization with exactly as many may have more, which `read_between` reads."""
    rows = (await session.execute(text(SINCE), {"org_ids": list(org_ids), "most": most, **_unseen(seen)})).all()
    snapshot = Snapshot.of_postgres(rows[0].snapshot)
    if snapshot != seen:
        await session.execute(text(MAKE_DURABLE))
    return Batch(snapshot, [FoundEvent(*row[1:]) for row in rows if row.org_id is not None])


async def read_between(
    session: AsyncSession, org_id: UUID, after: Cursor, until: Snapshot, wanted: EventFilter, most: int
) -> Page:
    """Returns the organization's next events behind the cursor that are wanted and visible in `until`, a snapshot of `present` or
    `read_since`."""
    conditions, values = wanted.conditions()
    looked_at = LOOKED_AT if conditions else most
    statement = BETWEEN.format(conditions=" AND ".join(conditions) or "true")
    limits = {"until_xmax": until.xmax, "until_running": list(until.running), "most": looked_at, "most_found": most}
    last = {"last_xid": after.last[0], "last_id": after.last[1]}
    values = {"org_id": org_id, **_unseen(after.seen), **limits, **last, **values}
    rows = (await session.execute(text(statement), values)).all()
    events = [FoundEvent(*row[3:]) for row in rows if row[3] is not None]
    if len(events) == most:
        return Page(events, (events[-1].xid, events[-1].id))
    return Page(events, (rows[0][0], rows[0][1]) if rows and rows[0][2] == looked_at else None)


def _unseen(seen: Snapshot) -> dict[str, Any]:
    return {"xmax": seen.xmax, "running": list(seen.running)}
