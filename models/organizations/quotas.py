"""Quotas of an organization: the contents that it makes, and the enrollments that run at the same time."""

import time
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.errors import QuotaReached
from models.organizations.limits import Limits

ASK = "or ask whoever runs this server to raise the limit."


class ContentUsage(SQLModel, table=True):
    """How many contents an organization has made on a day (UTC)."""

    __tablename__ = "content_usage"

    org_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    day: date = Field(primary_key=True)
    made: int


# Transactions that make contents for the same organization wait here for each other's commit, so that the sums are exact.
MAKE = """
INSERT INTO content_usage (org_id, day, made) VALUES (:org_id, :day, :count)
ON CONFLICT (org_id, day) DO UPDATE SET made = content_usage.made + excluded.made RETURNING made
"""
MADE = "SELECT sum(made) FROM content_usage WHERE org_id = :org_id"

ACTIVE = """
SELECT count(*) FROM (
    SELECT FROM enrollment WHERE org_id = :org_id AND state IN ('queued', 'running') LIMIT :limit
) active
"""


async def take_contents(session: AsyncSession, org_id: UUID, count: int, limits: Limits) -> None:
    """Call it before this many contents are made. Raises QuotaReached when there would be too many, today or in all."""
    parameters = {"org_id": org_id, "day": datetime.now(UTC).date(), "count": count}
    today = await session.scalar(text(MAKE), parameters) or 0
    if today > limits.contents_per_day:
        raise QuotaReached(
            f"An organization can publish, launch and share {limits.contents_per_day:,} texts and links a day: "
            f"try again tomorrow (UTC), {ASK}"
        )
    if (await session.scalar(text(MADE), {"org_id": org_id}) or 0) > limits.contents:
        raise QuotaReached(f"An organization can publish, launch and share {limits.contents:,} texts and links in all: {ASK}")


class ActiveEnrollments:
    """How many enrollments of each organization are not over, as this process knows it.

    Counting reads as many rows as there are enrollments, so a count is kept for 10 seconds. Meanwhile the enrollments that this
    process adds are added to it, and those that other processes add are not seen. At the limit it is counted again, at most once
    a second.
    """

    KEEP_SECONDS, AGAIN_SECONDS = 10.0, 1.0

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[int, float]] = {}

    async def room(self, session: AsyncSession, org_id: UUID, limit: int) -> int:
        """Returns how many more enrollments can start."""
        count, at = self._known.get(org_id, (0, -self.KEEP_SECONDS))
        age = time.monotonic() - at
        if age >= self.KEEP_SECONDS or (count >= limit and age >= self.AGAIN_SECONDS):
            count = await session.scalar(text(ACTIVE), {"org_id": org_id, "limit": limit + 1}) or 0
            self._known[org_id] = (count, time.monotonic())
        return max(limit - count, 0)

    def started(self, org_id: UUID, number: int) -> None:
        count, at = self._known.get(org_id, (0, -self.KEEP_SECONDS))
        self._known[org_id] = (count + number, at)


def too_many_enrollments(limit: int) -> QuotaReached:
    return QuotaReached(
        f"An organization can have {limit:,} enrollments that are not over: wait until some end, stop some, {ASK}"
    )
