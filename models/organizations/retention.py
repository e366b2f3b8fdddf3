"""How long organizations keep the rows of their clicks."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.organizations.organization import Organization

LEAST_DAYS, MOST_DAYS = 30, 3650


class Retention(NamedTuple):
    org_id: UUID
    kept: timedelta


async def retentions(session: AsyncSession) -> list[Retention]:
    """Returns the organizations that do not keep their clicks for ever."""
    days = col(Organization.click_retention_days)
    rows = await session.execute(select(col(Organization.id), days).where(days.is_not(None)).order_by(col(Organization.id)))
    return [Retention(row.id, timedelta(days=row.click_retention_days)) for row in rows]
