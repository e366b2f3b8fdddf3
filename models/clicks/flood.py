"""Clicks that were too many from one network on one link to be recorded each. Only their number is kept, by link and hour.

They are in no other count: not in `click`, not in its counters, and they wake no workflow.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.base import Timestamp


class ClickFlood(SQLModel, table=True):
    """`hour` is its first moment in UTC. `clicks` only ever grows."""

    __tablename__ = "click_flood"

    content_id: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    hour: datetime = Field(primary_key=True, sa_type=Timestamp)
    clicks: int


class Flooded(NamedTuple):
    """The key of `click_flood`."""

    content_id: int
    position: int
    hour: datetime


# Rows are written in the order of the key, so that two redirects that write at once do not wait for each other in a circle.
ADD = """
INSERT INTO click_flood AS flood (content_id, position, hour, clicks)
SELECT * FROM unnest(CAST(:contents AS int[]), CAST(:positions AS int[]), CAST(:hours AS timestamptz[]), CAST(:clicks AS int[]))
ORDER BY 1, 2, 3
ON CONFLICT (content_id, position, hour) DO UPDATE SET clicks = flood.clicks + excluded.clicks
"""

COUNT = """
SELECT coalesce(sum(clicks), 0) FROM click_flood
WHERE content_id = ANY(CAST(:contents AS int[])) AND (CAST(:position AS int) IS NULL OR position = :position)
    AND (CAST(:since AS timestamptz) IS NULL OR hour >= date_trunc('hour', CAST(:since AS timestamptz), 'UTC'))
    AND (CAST(:until AS timestamptz) IS NULL OR hour < CAST(:until AS timestamptz))
"""


async def add(session: AsyncSession, counts: Mapping[Flooded, int]) -> None:
    contents, positions, hours = zip(*counts, strict=True)
    parameters = {"contents": list(contents), "positions": list(positions), "hours": list(hours), "clicks": list(counts.values())}
    await session.execute(text(ADD), parameters)


async def count_flood(
    session: AsyncSession, contents: Sequence[int], position: int | None, since: datetime | None, until: datetime | None
) -> int:
    """Counts those of all links of these texts, or of the link at `position`, in whole hours."""
    given = {"contents": list(contents), "position": position, "since": since, "until": until}
    return int(await session.scalar(text(COUNT), given) or 0)
