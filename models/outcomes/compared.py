"""Campaigns side by side: who they are, when people clicked first and last, and how often within a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.campaigns.campaign import CampaignState
from models.clicks.verdict import Verdict
from models.errors import FieldError, NotFound
from models.reports.clicks import Count, begin_of, end_of


class NamedCampaign(NamedTuple):
    id: UUID
    name: str
    state: CampaignState
    launched_at: datetime | None


class FirstAndLast(NamedTuple):
    """When people clicked. Both are None when nobody has."""

    first_click_at: datetime | None = None
    last_click_at: datetime | None = None


NAMED = """
SELECT id, name, state, launched_at FROM campaign WHERE id = ANY(CAST(:campaign_ids AS uuid[])) AND org_id = :org_id
"""

# Of each link one row from either end of its time.
AT_THE_END = """
    SELECT {column} FROM click_series
    WHERE scope = 'campaign' AND scope_id = content.campaign_id AND link_id = link.id AND verdict = 'human' AND clicks > 0
    ORDER BY bucket {order} LIMIT 1
"""
FIRST_AND_LAST = f"""
SELECT content.campaign_id, min(first.first_at) AS first_at, max(last.last_at) AS last_at
FROM content JOIN content_link link ON link.content_id = content.id
CROSS JOIN LATERAL ({AT_THE_END.format(column="first_at", order="")}) AS first
CROSS JOIN LATERAL ({AT_THE_END.format(column="last_at", order="DESC")}) AS last
WHERE content.campaign_id = ANY(CAST(:campaign_ids AS uuid[])) GROUP BY content.campaign_id
"""  # noqa: S608 - made of constants

# The links come first, because they stand before the verdict and the time in the key.
WITHIN = """
SELECT content.campaign_id, kept.verdict, sum(kept.clicks) AS clicks, sum(kept.people) AS people
FROM content JOIN content_link link ON link.content_id = content.id
JOIN click_series kept ON kept.scope = 'campaign' AND kept.scope_id = content.campaign_id AND kept.link_id = link.id
    AND kept.verdict = ANY(CAST(:verdicts AS text[])) {since} {until}
WHERE content.campaign_id = ANY(CAST(:campaign_ids AS uuid[])) GROUP BY content.campaign_id, kept.verdict
"""


async def named_campaigns(session: AsyncSession, org_id: UUID, campaign_ids: Sequence[UUID]) -> list[NamedCampaign]:
    """Returns them in the order of the ids. Raises NotFound that names those which the organization does not have."""
    rows = await session.execute(text(NAMED), {"campaign_ids": list(campaign_ids), "org_id": org_id})
    found = {row.id: NamedCampaign(row.id, row.name, CampaignState(row.state), row.launched_at) for row in rows}
    places = [(place, each) for place, each in enumerate(campaign_ids) if each not in found]
    if places:
        unknown = [FieldError(f"campaign_id[{place}]", f"There is no campaign {each}.") for place, each in places]
        raise NotFound(" ".join(each.message for each in unknown), unknown)
    return [found[each] for each in campaign_ids]


async def first_and_last_clicks(session: AsyncSession, campaign_ids: Sequence[UUID]) -> Mapping[UUID, FirstAndLast]:
    """Returns those of the campaigns that people have clicked."""
    rows = await session.execute(text(FIRST_AND_LAST), {"campaign_ids": list(campaign_ids)})
    return {row.campaign_id: FirstAndLast(row.first_at, row.last_at) for row in rows}


async def clicks_within(
    session: AsyncSession, campaign_ids: Sequence[UUID], since: datetime | None, until: datetime | None
) -> Mapping[UUID, Mapping[Verdict, Count]]:
    """Returns the clicks and people of each campaign by verdict, and by quarters of an hour as in ClickQuestion."""
    limits = {"since": begin_of(since), "until": end_of(until)}
    parts = {
        "since": "AND kept.bucket >= :since" if limits["since"] else "",
        "until": "AND kept.bucket < :until" if limits["until"] else "",
    }
    parameters: dict[str, Any] = {"campaign_ids": list(campaign_ids), "verdicts": list(Verdict)}
    parameters |= {name: limit for name, limit in limits.items() if limit}
    found: dict[UUID, dict[Verdict, Count]] = {campaign_id: {} for campaign_id in campaign_ids}
    for row in await session.execute(text(WITHIN.format(**parts)), parameters):
        found[row.campaign_id][Verdict(row.verdict)] = Count(int(row.clicks), int(row.people))
    return found
