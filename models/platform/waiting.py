"""Finds work of all organizations that should have been taken up by now. Health and metrics use it, so it must stay cheap."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.platform.heartbeat import LATE

COUNTED = 10_000
"""The largest number of rows of one kind that is counted."""

# Of an organization's imports one runs at a time, so only those count before which no other one waits.
# Open firings are read in two parts, because each part has an index of its own, which holds the open ones alone.
WAITING = """
SELECT 'enrollments' AS kind, count(*) AS rows, min(since) AS since FROM (
    SELECT created_at AS since FROM enrollment
    WHERE workflow_started_at IS NULL AND state = 'queued' AND stop_requested_at IS NULL AND created_at < :late
    LIMIT :most) AS unstarted
UNION ALL
SELECT 'campaigns', count(*), min(launched_at) FROM campaign
WHERE state = 'sending' AND workflow_started_at IS NULL AND launched_at < :late
UNION ALL
SELECT 'imports', count(*), min(since) FROM (
    SELECT min(created_at) AS since FROM contact_import WHERE state IN ('waiting', 'running') GROUP BY org_id
    HAVING min(created_at) < :late AND bool_and(workflow_started_at IS NULL)) AS organizations
UNION ALL
SELECT 'due_enrollments', count(*), min(since) FROM (
    SELECT due_at AS since FROM enrollment WHERE due_at < :late ORDER BY due_at LIMIT :most) AS overdue
UNION ALL
SELECT 'signals', count(*), min(since) FROM (
    SELECT created_at AS since FROM signal_outbox WHERE outcome IS NULL AND created_at < :late LIMIT :most) AS undelivered
UNION ALL
SELECT 'firings', count(*), min(since) FROM (
    SELECT due_at AS since FROM (
        SELECT trigger_id, contact_id, occurrence, due_at FROM firing WHERE finished_at IS NULL AND NOT sends AND due_at < :late
        UNION ALL
        SELECT trigger_id, contact_id, occurrence, due_at FROM firing WHERE finished_at IS NULL AND sends AND due_at < :late
    ) AS due WHERE NOT EXISTS (SELECT FROM firing earlier
        WHERE earlier.trigger_id = due.trigger_id AND earlier.contact_id = due.contact_id
            AND earlier.occurrence < due.occurrence AND earlier.finished_at IS NULL)
    LIMIT :most) AS not_done
UNION ALL
SELECT 'commands', count(*), min(since) FROM (
    SELECT created_at AS since FROM command WHERE outcome IS NULL AND created_at < :late LIMIT :most) AS not_told
"""


@dataclass(frozen=True)
class Waiting:
    """`rows` of this kind have waited for more than `LATE`, the oldest of those counted since `since`: None without rows."""

    kind: str
    rows: int
    since: datetime | None


async def read_waiting(session: AsyncSession) -> list[Waiting]:
    """`enrollments`, `campaigns` and `imports` have no workflow yet. `due_enrollments` have not gone on although their wait is
    over. `signals` are clicks that have not woken their workflow, and `commands` those that have not reached it. `firings` are
    of triggers, and nobody does their next action although it is due."""
    rows = await session.execute(text(WAITING), {"late": now() - LATE, "most": COUNTED})
    return [Waiting(*row) for row in rows]
