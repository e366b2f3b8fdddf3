"""Campaigns with their numbers and without their texts, for whoever looks through many of them."""

from datetime import datetime, time, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import BaseModel, Field

from api.campaigns.filters import CampaignFilterDep
from api.handling.request import OrganizationDep, SessionDep, area
from api.http.paging import Page, PageDep
from api.reports.filters import TimeZoneQuery
from api.reports.funnel import Funnel, funnel_of
from models.base import now
from models.campaigns.campaign import CampaignState, count_by_state, list_without_texts
from models.channels.channel import Medium, list_channels
from models.outcomes.funnel import count_campaigns
from models.reports.campaign_days import clicks_of_days

router = area("analytics")


class ListedCampaign(BaseModel):
    campaign_id: UUID
    name: str = Field(examples=["Spring offer"])
    state: CampaignState
    reason: str | None = Field(description="Why it is stopped or failed.")
    channel: str = Field(examples=["simulator-sms"])
    medium: Medium
    launched_at: datetime | None
    tracking_until: datetime | None
    created_at: datetime
    updated_at: datetime
    recipients: int | None = Field(description="Contacts in the audience at the launch; null: not launched.", examples=[200])
    funnel: Funnel
    clicks_by_day: list[int] = Field(
        description="Clicks of people on each of the last `days`, today last.", examples=[[0, 60, 10]]
    )


class CampaignList(Page[ListedCampaign]):
    states: dict[CampaignState, int] = Field(
        description="Campaigns in each state, of those with this name. States without any are left out.", examples=[{"draft": 2}]
    )
    time_zone: str = Field(description="Whose days `clicks_by_day` counts.")


@router.get("/analytics/campaigns/list", summary="List campaigns with their numbers")
async def list_all(
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    wanted: CampaignFilterDep,
    time_zone: TimeZoneQuery = None,
    days: Annotated[int, Query(ge=1, le=31, description="Of `clicks_by_day`.")] = 14,
) -> CampaignList:
    """Campaigns, newest first, without their texts. The funnel is of all time."""
    zone = time_zone or caller.time_zone
    rows, after = await list_without_texts(session, caller.id, wanted, page)
    ids = [row.id for row in rows]
    counts = await count_campaigns(session, ids)
    shown = _last_days(zone, days)
    clicks = await clicks_of_days(session, ids, shown)
    channels = {each.id: each for each in await list_channels(session, caller.id)}
    items = [
        ListedCampaign(
            campaign_id=row.id,
            **{name: getattr(row, name) for name in ("name", "state", "reason", "launched_at", "tracking_until", "recipients")},
            **{name: getattr(row, name) for name in ("created_at", "updated_at")},
            channel=channels[row.channel_id].name,
            medium=channels[row.channel_id].medium,
            funnel=funnel_of(counts[row.id]),
            clicks_by_day=[clicks.get((row.id, day), 0) for day in shown],
        )
        for row in rows
    ]
    states = await count_by_state(session, caller.id, wanted.name)
    return CampaignList(items=items, next_cursor=page.next_cursor(after), states=states, time_zone=zone)


def _last_days(zone: str, days: int) -> list[datetime]:
    """Returns when each of the last days began, today last, on the clocks of the zone."""
    today = now().astimezone(ZoneInfo(zone)).date()
    return [datetime.combine(today - timedelta(days=back), time(), ZoneInfo(zone)) for back in reversed(range(days))]
