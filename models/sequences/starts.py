"""Enrollments whose workflow has still to be started, by the request that made them or by the sweeper."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.base import now
from models.campaigns.campaign import Campaign
from models.sequences.enrollment import CauseKind, Enrollment, EnrollmentState
from models.sequences.sequence import Sequence as SequenceTable
from models.start import GRACE
from models.triggers.firing import Firing
from models.triggers.trigger import Trigger


class EnrollmentStart(NamedTuple):
    """An enrollment, and the names that the Temporal UI shows beside it. `trigger` is the key of the trigger that enrolled the
    contact, and `link` the name of the link that was clicked. `campaign` is set when it is a campaign's trigger, and `origin`,
    the name of a sequence, when it is that sequence's."""

    enrollment: Enrollment
    sequence: str
    campaign: str | None
    trigger: str | None
    link: str | None
    origin: str | None


async def enrollments_to_start(session: AsyncSession, ids: Sequence[UUID]) -> list[EnrollmentStart]:
    """Returns those of `ids` that are queued, have no workflow yet, and were not asked to stop."""
    origin = aliased(SequenceTable)
    shown = (col(SequenceTable.name), col(Campaign.name), col(Trigger.key), col(Firing.link_name), col(origin.name))
    rows = await session.execute(
        select(Enrollment, *shown)
        .join(SequenceTable, col(SequenceTable.id) == col(Enrollment.sequence_id))
        .outerjoin(Campaign, col(Campaign.id) == col(Enrollment.campaign_id))
        .outerjoin(Firing, and_(col(Firing.id) == col(Enrollment.cause_id), col(Enrollment.cause) == CauseKind.TRIGGER))
        .outerjoin(Trigger, col(Trigger.id) == col(Firing.trigger_id))
        .outerjoin(origin, col(origin.id) == col(Trigger.sequence_id))
        .where(
            col(Enrollment.id).in_(ids),
            col(Enrollment.workflow_started_at).is_(None),
            col(Enrollment.state) == EnrollmentState.QUEUED,
            col(Enrollment.stop_requested_at).is_(None),
        )
    )
    return [EnrollmentStart(*row) for row in rows]


BEFORE_FIRST_MOVE = 500
"""The most enrollments of one organization that the sweeper has started and that have not made their first move. So many keep
two cores busy for longer than one sweep interval. What waits beyond them waits in rows, where it is cheap and organizations take
turns, and not in Temporal's queue beside everybody's later turns."""

# Organizations take turns, so that nobody waits behind a hundred thousand starts of another's: first the longest waiting start of
# each, then the second of each. The recursive part jumps in the index from one organization to the next.
# The order of those that are counted keeps PostgreSQL to their index.
UNSTARTED = """
WITH RECURSIVE organization (id) AS (
    (SELECT org_id FROM enrollment WHERE {waits} ORDER BY org_id LIMIT 1)
    UNION ALL
    SELECT (SELECT org_id FROM enrollment WHERE {waits} AND org_id > organization.id ORDER BY org_id LIMIT 1)
    FROM organization WHERE organization.id IS NOT NULL
)
SELECT due.id FROM organization CROSS JOIN LATERAL (
    SELECT id, start_due_at, row_number() OVER (ORDER BY start_due_at) AS turn FROM enrollment
    WHERE {waits} AND org_id = organization.id AND start_due_at <= :until
    ORDER BY start_due_at LIMIT least(:share, :before_first_move - (SELECT count(*) FROM (
        SELECT FROM enrollment WHERE workflow_started_at IS NOT NULL AND state = 'queued' AND org_id = organization.id
        ORDER BY start_due_at LIMIT :before_first_move) AS started))
) AS due ORDER BY due.turn, due.start_due_at LIMIT :limit
"""
WAITS = "workflow_started_at IS NULL AND state = 'queued' AND stop_requested_at IS NULL"


async def unstarted_enrollments(session: AsyncSession, limit: int, share: int, grace: timedelta = GRACE) -> list[UUID]:
    """At most `limit` enrollments whose start is due, of each organization at most `share`, and no more than `BEFORE_FIRST_MOVE`
    together with those that are started and have yet to make their first move. A shorter `grace` takes rows of this moment too,
    which their request may be starting."""
    bounds = {"share": share, "limit": limit, "before_first_move": BEFORE_FIRST_MOVE}
    parameters = {"until": now() + (GRACE - grace), **bounds}
    return list(await session.scalars(text(UNSTARTED.format(waits=WAITS)), parameters))
