"""How long after a click of a person what it wakes has gone on: from rows, and from so few of them that it takes a bounded time.

A click wakes an enrollment that waits for it, which then leaves its step, and it fires triggers. Of each interval the newest
clicks are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id

MOST_INTERVALS, MOST_CLICKS = 100, 40
"""Intervals, and the clicks that are looked at in each."""

# A step that a click has ended is left right after the last click before: an earlier one on the same message woke nothing. With
# OFFSET 0 the rows of each click are looked up by their index.
WOKEN = """
WITH looked AS MATERIALIZED (
    SELECT place, found.*
    FROM unnest(CAST(:firsts AS uuid[]), CAST(:ends AS uuid[])) WITH ORDINALITY AS each (first, behind, place)
    CROSS JOIN LATERAL (
        SELECT id, clicked_at, enrollment_id FROM click
        WHERE org_id = :org_id AND verdict BETWEEN 'human' AND 'human' AND id >= each.first AND id < each.behind
        ORDER BY verdict DESC, id DESC LIMIT :most
    ) AS found
), moved AS (
    SELECT DISTINCT ON (step.id, step.number) place, left_at - clicked_at AS delay FROM looked CROSS JOIN LATERAL (
        SELECT enrollment_id AS id, number, left_at FROM step_run
        WHERE enrollment_id = looked.enrollment_id AND outcome = 'clicked' AND clicked_at BETWEEN entered_at AND left_at OFFSET 0
    ) AS step ORDER BY step.id, step.number, delay
), fired AS (
    SELECT place, min(created_at - clicked_at) AS delay FROM looked CROSS JOIN LATERAL (
        SELECT created_at FROM firing WHERE click_id = looked.id OFFSET 0
    ) AS firing GROUP BY looked.id, place
)
SELECT place, NULL AS seconds, count(*) AS clicks FROM looked GROUP BY place
UNION ALL SELECT place, extract(epoch FROM delay), 0 FROM (SELECT * FROM moved UNION ALL SELECT * FROM fired) AS woken
"""


@dataclass(frozen=True)
class Delays:
    """Of the clicks from `begin` on. `clicks` were looked at, and `seconds` are those of what they have woken, sorted."""

    begin: datetime
    clicks: int
    seconds: Sequence[float]

    def within(self, share: float) -> float | None:
        """Returns the seconds within which this share was woken; None when nothing was."""
        return self.seconds[max(0, ceil(share * len(self.seconds)) - 1)] if self.seconds else None


async def read_delays(session: AsyncSession, org_id: UUID, since: datetime, until: datetime, length: timedelta) -> list[Delays]:
    """Returns the intervals of this length from `since` on, in their order, also those without clicks."""
    begins = [since + place * length for place in range(min(MOST_INTERVALS, max(1, ceil((until - since) / length))))]
    values = {
        "org_id": org_id,
        "firsts": [first_id(each) for each in begins],
        "ends": [first_id(min(each + length, until)) for each in begins],
        "most": MOST_CLICKS,
    }
    clicks, seconds = [0] * len(begins), [list[float]() for _ in begins]
    for row in await session.execute(text(WOKEN), values):
        clicks[row.place - 1] += row.clicks
        if row.seconds is not None:
            seconds[row.place - 1].append(max(0.0, float(row.seconds)))
    return [Delays(begin, clicks[place], sorted(seconds[place])) for place, begin in enumerate(begins)]


def together(delays: Sequence[Delays]) -> Delays:
    """All intervals as one."""
    return Delays(delays[0].begin, sum(each.clicks for each in delays), sorted(s for each in delays for s in each.seconds))
