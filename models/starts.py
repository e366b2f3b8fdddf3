"""Rows whose workflow has still to be started: written by a request, started right after, or found by the sweeper."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import now
from models.campaign import Campaign, CampaignState
from models.contact_import import ContactImport
from models.enrollment import Enrollment, EnrollmentState
from models.sequence import Sequence as SequenceTable
from models.wire import EnrollmentInput

# Younger rows are being started by the request that made them.
GRACE = timedelta(seconds=5)


class EnrollmentStart(NamedTuple):
    """What a workflow is started with, and how the Temporal UI calls it."""

    start: EnrollmentInput
    summary: str


async def enrollments_to_start(session: AsyncSession, ids: Sequence[UUID]) -> list[EnrollmentStart]:
    """Those of `ids` that are queued and have no workflow yet."""
    rows = await session.execute(
        select(Enrollment, col(SequenceTable.name))
        .join(SequenceTable, col(SequenceTable.id) == col(Enrollment.sequence_id))
        .where(
            col(Enrollment.id).in_(ids),
            col(Enrollment.workflow_started_at).is_(None),
            col(Enrollment.state) == EnrollmentState.QUEUED,
        )
    )
    return [EnrollmentStart(_input(enrollment), f"{name}: contact {enrollment.contact_id}") for enrollment, name in rows]


def _input(enrollment: Enrollment) -> EnrollmentInput:
    return EnrollmentInput(
        org_id=enrollment.org_id,
        enrollment_id=enrollment.id,
        sequence_id=enrollment.sequence_id,
        sequence_version_id=enrollment.sequence_version_id,
        contact_id=enrollment.contact_id,
        campaign_id=enrollment.campaign_id,
    )


async def campaign_name(session: AsyncSession, campaign_id: UUID) -> str:
    return (await session.get_one(Campaign, campaign_id)).name


async def mark_enrollments_started(session: AsyncSession, ids: Sequence[UUID]) -> None:
    await session.execute(update(Enrollment).where(col(Enrollment.id).in_(ids)).values(workflow_started_at=now()))


async def mark_campaign_started(session: AsyncSession, campaign_id: UUID) -> None:
    await session.execute(update(Campaign).where(col(Campaign.id) == campaign_id).values(workflow_started_at=now()))


async def mark_import_started(session: AsyncSession, import_id: UUID) -> None:
    await session.execute(update(ContactImport).where(col(ContactImport.id) == import_id).values(workflow_started_at=now()))


async def unstarted_enrollments(session: AsyncSession, limit: int, grace: timedelta = GRACE) -> list[UUID]:
    rows = await session.scalars(
        select(col(Enrollment.id))
        .where(
            col(Enrollment.workflow_started_at).is_(None),
            col(Enrollment.state) == EnrollmentState.QUEUED,
            col(Enrollment.created_at) < now() - grace,
        )
        .order_by(col(Enrollment.created_at))
        .limit(limit)
    )
    return list(rows)


async def unstarted_campaigns(session: AsyncSession) -> list[tuple[UUID, UUID]]:
    """(organization, campaign) of launched campaigns without a workflow."""
    rows = await session.execute(
        select(col(Campaign.org_id), col(Campaign.id)).where(
            col(Campaign.state) == CampaignState.SENDING,
            col(Campaign.workflow_started_at).is_(None),
            col(Campaign.launched_at) < now() - GRACE,
        )
    )
    return [(org_id, campaign_id) for org_id, campaign_id in rows]


async def unstarted_imports(session: AsyncSession) -> list[tuple[UUID, UUID]]:
    rows = await session.execute(
        select(col(ContactImport.org_id), col(ContactImport.id)).where(
            col(ContactImport.workflow_started_at).is_(None), col(ContactImport.created_at) < now() - GRACE
        )
    )
    return [(org_id, import_id) for org_id, import_id in rows]
