"""Campaigns side by side. `docs/analytics.md` says what each number means."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from api.handling.request import Heavy, OrganizationDep, SessionDep, area
from api.reports.counted import Counted
from api.reports.filters import TimeOfReportDep
from api.reports.funnel import Funnel, funnel_of
from api.reports.window import Period, period
from models.campaigns.campaign import CampaignState
from models.clicks.verdict import Verdict
from models.errors import FieldError, Invalid
from models.outcomes.compared import FirstAndLast, clicks_within, first_and_last_clicks, named_campaigns
from models.outcomes.funnel import count_campaigns
from models.reports.clicks import Count

router = area("analytics")

MOST_CAMPAIGNS = 20


class ClickTotals(Counted):
    """`clicks` and `people` are those of people; the other numbers count all clicks."""

    human_clicks: int = Field(examples=[70])
    suspect_clicks: int = Field(examples=[0])
    bot_clicks: int = Field(examples=[5])


class ComparedCampaign(BaseModel):
    campaign_id: UUID
    name: str = Field(examples=["Spring offer"])
    state: CampaignState
    launched_at: datetime | None
    funnel: Funnel
    clicks: ClickTotals = Field(description="Within `since` and `until`.")
    first_click_at: datetime | None = Field(description="Of a person, of all time.")
    last_click_at: datetime | None


class Comparison(Period):
    campaigns: list[ComparedCampaign] = Field(description="In the order in which they were asked for.")


CampaignsQuery = Annotated[
    list[UUID], Query(min_length=2, max_length=MOST_CAMPAIGNS, description=f"Given several times: 2 to {MOST_CAMPAIGNS}.")
]


@router.get("/analytics/campaigns", dependencies=[Heavy], summary="Compare campaigns")
async def compare(
    session: SessionDep,
    caller: OrganizationDep,
    campaign_id: CampaignsQuery,
    time: TimeOfReportDep,
) -> Comparison:
    """Funnels are of all time; clicks are those between `since` and `until`."""
    _refuse_repeated(campaign_id)
    campaigns = await named_campaigns(session, caller.id, campaign_id)
    counts = await count_campaigns(session, campaign_id)
    ends = await first_and_last_clicks(session, campaign_id)
    clicks: Mapping[UUID, Mapping[Verdict, Count]] = {each: counts[each].clicks for each in campaign_id}
    if time.since is not None or time.until is not None:
        clicks = await clicks_within(session, campaign_id, time.since, time.until)
    compared = [
        ComparedCampaign(
            campaign_id=each.id,
            **{name: getattr(each, name) for name in ("name", "state", "launched_at")},
            funnel=funnel_of(counts[each.id]),
            clicks=click_totals(clicks[each.id]),
            **ends.get(each.id, FirstAndLast())._asdict(),
        )
        for each in campaigns
    ]
    return Comparison(**period(time), campaigns=compared)


def _refuse_repeated(campaign_ids: list[UUID]) -> None:
    repeated = [place for place, each in enumerate(campaign_ids) if each in campaign_ids[:place]]
    if repeated:
        errors = [FieldError(f"campaign_id[{place}]", "This campaign is given already: give it once.") for place in repeated]
        raise Invalid("Some campaigns are given more than once.", errors)


def click_totals(clicks: Mapping[Verdict, Count]) -> ClickTotals:
    human, suspect, bot = (clicks.get(verdict, Count(0, 0)) for verdict in (Verdict.HUMAN, Verdict.SUSPECT, Verdict.BOT))
    return ClickTotals(**human._asdict(), human_clicks=human.clicks, suspect_clicks=suspect.clicks, bot_clicks=bot.clicks)
