"""Clicks of people by day, of many campaigns in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# The links come first, because they stand before the verdict and the time in the key.
OF_DAYS = text("""
SELECT content.campaign_id, date_trunc('day', kept.bucket, :time_zone) AS day, sum(kept.clicks) AS clicks
FROM content JOIN content_link link ON link.content_id = content.id
JOIN click_series kept ON kept.scope = 'campaign' AND kept.scope_id = content.campaign_id AND kept.link_id = link.id
    AND kept.verdict = 'human' AND kept.bucket >= :since
WHERE content.campaign_id = ANY(CAST(:campaign_ids AS uuid[])) GROUP BY 1, 2
""")


async def clicks_of_days(
    session: AsyncSession, campaign_ids: Sequence[UUID], since: datetime, time_zone: str
) -> Mapping[tuple[UUID, datetime], int]:
    """Returns the clicks of each campaign by the moment at which a day of the zone began. Days without clicks are left out."""
    asked = {"campaign_ids": list(campaign_ids), "since": since, "time_zone": time_zone}
    return {(row.campaign_id, row.day): int(row.clicks) for row in await session.execute(OF_DAYS, asked)}
