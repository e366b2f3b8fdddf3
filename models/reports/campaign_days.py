"""Clicks of people by day, of many campaigns in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# The links come first, because they stand before the verdict and the time in the key. So at most 96 rows are read for each day of
# each link, however many clicks there are. To look for the day among those that are asked for takes a third of what it takes to
# find out, for each row, when its day began in the zone.
OF_DAYS = text("""
SELECT content.campaign_id, width_bucket(kept.bucket, CAST(:days AS timestamptz[])) AS day, sum(kept.clicks) AS clicks
FROM content JOIN content_link link ON link.content_id = content.id
JOIN click_series kept ON kept.scope = 'campaign' AND kept.scope_id = content.campaign_id AND kept.link_id = link.id
    AND kept.verdict = 'human' AND kept.bucket >= :since
WHERE content.campaign_id = ANY(CAST(:campaign_ids AS uuid[])) GROUP BY 1, 2
""")


async def clicks_of_days(
    session: AsyncSession, campaign_ids: Sequence[UUID], days: Sequence[datetime]
) -> Mapping[tuple[UUID, datetime], int]:
    """Returns the clicks of each campaign by the moment at which a day began, which is one of `days`, oldest first; the last one
    is not over. Days without clicks are left out."""
    asked = {"campaign_ids": list(campaign_ids), "since": days[0], "days": list(days)}
    found = await session.execute(OF_DAYS, asked)
    return {(row.campaign_id, days[row.day - 1]): int(row.clicks) for row in found}
