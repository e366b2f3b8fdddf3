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


COLUMNS = ", ".join(FoundEvent._fields)
PART = f"SELECT {COLUMNS} FROM live_event WHERE org_id = organization.id AND {{which}} {{within}} ORDER BY xid, id LIMIT :most"  # noqa: S608
NEW = "xid >= :xmax"
WAS_RUNNING = "xid = ANY(CAST(:running AS bigint[]))"
AFTER = "AND (xid, id) > (:last_xid, :last_id)"
VISIBLE = "AND xid < :until_xmax AND xid <> ALL(CAST(:until_running AS bigint[]))"

# Each organization has a limit of its own, so that one with many events does not hold up the others.
READ = """
SELECT pg_current_snapshot()::text AS snapshot, found.* FROM (VALUES (1)) AS one LEFT JOIN (
    SELECT each.* FROM unnest(CAST(:org_ids AS uuid[])) AS organization (id) CROSS JOIN LATERAL (
        SELECT * FROM (({new}) UNION ALL ({was_running})) AS either ORDER BY xid, id LIMIT :most
    ) AS each
) AS found ON true ORDER BY org_id, xid, id
"""
SINCE = READ.format(new=PART.format(which=NEW, within=""), was_running=PART.format(which=WAS_RUNNING, within=""))
BETWEEN = READ.format(
    new=PART.format(which=NEW, within=AFTER + VISIBLE), was_running=PART.format(which=WAS_RUNNING, within=AFTER + VISIBLE)
)

# A server that was restored from a dump, and another database of the same server, count differently or hold other events.
IDENTITY = """
SELECT left(md5(system_identifier || '/' || database.oid), 8)
FROM pg_control_system(), pg_database database WHERE datname = current_database()
"""
PRESENT = "SELECT pg_current_snapshot()::text"

# What the recorder has committed, a crash of PostgreSQL can take back for a moment. Nobody is told of an event before that is
# over, or its transaction's number would be given a second time, to events that count as seen.
MAKE_DURABLE = "SELECT pg_logical_emit_message(false, 'linkwake', '', true)"


async def database_identity(session: AsyncSession) -> str:
    """Returns eight hexadecimal digits that another database does not have."""
    return str(await session.scalar(text(IDENTITY)))


async def present(session: AsyncSession) -> Snapshot:
    """Returns the snapshot of this moment."""
    return Snapshot.of_postgres(await session.scalar(text(PRESENT)) or "")


async def read_since(session: AsyncSession, org_ids: Sequence[UUID], seen: Snapshot, most: int) -> Batch:
    """Returns what these organizations have now and `seen` has not, at most this many events of each. One with exactly as many
    may have more, which `read_between` reads."""
    return await _read(session, SINCE, {"org_ids": list(org_ids), "most": most, **_unseen(seen)})


async def read_between(session: AsyncSession, org_id: UUID, after: Cursor, until: Snapshot, most: int) -> list[FoundEvent]:
    """Returns the organization's next events behind the cursor that are visible in `until`."""
    limits = {"until_xmax": until.xmax, "until_running": list(until.running)}
    last = {"last_xid": after.last[0], "last_id": after.last[1]}
    values = {"org_ids": [org_id], "most": most, **_unseen(after.seen), **limits, **last}
    return (await _read(session, BETWEEN, values)).events


def _unseen(seen: Snapshot) -> dict[str, Any]:
    return {"xmax": seen.xmax, "running": list(seen.running)}


async def _read(session: AsyncSession, statement: str, values: dict[str, Any]) -> Batch:
    rows = (await session.execute(text(statement), values)).all()
    events = [FoundEvent(*row[1:]) for row in rows if row.org_id is not None]
    if events:
        await session.execute(text(MAKE_DURABLE))
    return Batch(Snapshot.of_postgres(rows[0].snapshot), events)
