"""Finds rows that wait for a workflow which Temporal no longer runs, and ends them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.campaigns.campaign import Campaign, CampaignState
from models.contacts.imports import ImportState, lock_import
from models.messages import ledger
from models.sequences.enrollment import Enrollment
from models.sequences.progress import close_enrollment
from models.wire.enrollments import FinalState
from models.wire.names import campaign_workflow_id, enrollment_workflow_id, import_workflow_id

LISTED_AFTER = timedelta(seconds=20)
"""A row whose workflow was started this long ago is in Temporal's list, which is written a moment after the start."""


class Gone(StrEnum):
    """Why a workflow no longer runs although its row waits for it; the row keeps this as its reason."""

    TERMINATED = "terminated in Temporal"
    CANCELED = "canceled in Temporal"
    TIMED_OUT = "timed out in Temporal"
    FAILED = "failed in Temporal"
    ENDED = "ended in Temporal without a word to its row"
    DELETED = "deleted from Temporal"

    @property
    def state(self) -> FinalState:
        """A workflow that somebody ended on purpose stops its row; everything else is a failure."""
        return "stopped" if self in {Gone.TERMINATED, Gone.CANCELED} else "failed"


@dataclass(frozen=True)
class WaitingRow:
    """An enrollment, campaign or import that is not over and whose workflow was started at `started_at`."""

    kind: str
    org_id: UUID
    id: UUID
    started_at: datetime

    @property
    def workflow_id(self) -> str:
        ids = {"enrollment": enrollment_workflow_id, "campaign": campaign_workflow_id, "import": import_workflow_id}
        return ids[self.kind](self.id)


WAITING = """
SELECT * FROM (
    SELECT 'enrollment' AS kind, org_id, id, workflow_started_at FROM enrollment
    WHERE state IN ('queued', 'running') AND workflow_started_at < :before AND {enrollments}
    {some_enrollments}
) enrollments
UNION ALL
SELECT 'campaign', org_id, id, workflow_started_at FROM campaign
WHERE state IN ('sending', 'tracking') AND workflow_started_at < :before {others}
UNION ALL
SELECT 'import', org_id, id, workflow_started_at FROM contact_import
WHERE state = 'running' AND workflow_started_at < :before {others}
"""
AMONG = WAITING.format(
    enrollments="id = ANY(CAST(:ids AS uuid[]))", some_enrollments="", others="AND id = ANY(CAST(:ids AS uuid[]))"
)
NEXT = WAITING.format(
    enrollments="(CAST(:after AS uuid) IS NULL OR id > :after)", some_enrollments="ORDER BY id LIMIT :limit", others=""
)


async def waiting_among(session: AsyncSession, ids: Sequence[UUID]) -> list[WaitingRow]:
    """Returns those of the rows that still wait for their workflow, even when it was started only a moment ago."""
    rows = await session.execute(text(AMONG), {"ids": list(ids), "before": now()})
    return [WaitingRow(*row) for row in rows]


async def next_waiting(session: AsyncSession, after: UUID | None, limit: int) -> list[WaitingRow]:
    """Returns the next `limit` enrollments by id, and every campaign and import, because there are few of those."""
    rows = await session.execute(text(NEXT), {"after": after, "limit": limit, "before": now() - LISTED_AFTER})
    return [WaitingRow(*row) for row in rows]


async def close(session: AsyncSession, row: WaitingRow, why: Gone) -> bool:
    """Ends the row with this reason. Returns False, and changes nothing, when the row has ended meanwhile."""
    match row.kind:
        case "enrollment":
            return await _close_enrollment(session, row, why)
        case "campaign":
            return await _close_campaign(session, row, why)
        case _:
            return await _close_import(session, row, why)


async def _close_enrollment(session: AsyncSession, row: WaitingRow, why: Gone) -> bool:
    """If a stop was requested, that is why the row ends, and not that its workflow could not end it any more."""
    enrollment = await session.get_one(Enrollment, row.id, with_for_update={"key_share": True}, populate_existing=True)
    state: FinalState = "stopped" if enrollment.stop_requested_at is not None else why.state
    return await close_enrollment(session, row.id, state, why.value)


async def _close_campaign(session: AsyncSession, row: WaitingRow, why: Gone) -> bool:
    campaign = await session.get_one(Campaign, row.id, with_for_update=True)
    if campaign.state not in {CampaignState.SENDING, CampaignState.TRACKING}:
        return False
    campaign.state, campaign.reason, campaign.updated_at = CampaignState(why.state), why.value, now()
    await ledger.close_campaign_messages(session, row.id, why.value)
    return True


async def _close_import(session: AsyncSession, row: WaitingRow, why: Gone) -> bool:
    found = await lock_import(session, row.id)
    if found.is_over:
        return False
    found.end(ImportState.CANCELLED if why.state == "stopped" else ImportState.FAILED, why.value)
    return True
