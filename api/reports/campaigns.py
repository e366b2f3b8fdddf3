"""Analytics of a campaign. `docs/analytics.md` says what each number means."""

from uuid import UUID

from pydantic import Field

from api.handling.request import OrganizationDep, SessionDep, area
from api.reports.counted import LinkCount, link_counts
from api.reports.totals import Analytics, read_common
from api.reports.window import WindowDep
from api.triggers.counts import ALL, TriggerCountView, trigger_counts
from models.campaigns.campaign import get_campaign
from models.clicks.click import Scope
from models.reports.steps import count_follow_ups
from models.reports.texts import contents_of
from models.reports.triggers import count_campaign_triggers

router = area("analytics")


class CampaignAnalytics(Analytics):
    campaign_id: UUID
    links: list[LinkCount]
    follow_ups: dict[str, int] = Field(description="Enrollments that the triggers made, by state.", examples=[{"completed": 60}])
    triggers: list[TriggerCountView] = Field(description="How often each fired and what its actions did, in their order.")


@router.get("/campaigns/{campaign_id}/analytics", summary="Read a campaign's numbers")
async def of_campaign(campaign_id: UUID, session: SessionDep, caller: OrganizationDep, asked: WindowDep) -> CampaignAnalytics:
    """The campaign's own message. What its follow-ups send is counted by their sequence."""
    await get_campaign(session, caller.id, campaign_id)
    question, contents = asked.question(Scope.CAMPAIGN, campaign_id), await contents_of(session, Scope.CAMPAIGN, campaign_id)
    return CampaignAnalytics(
        **await read_common(session, question, asked, contents, one_each=True),
        campaign_id=campaign_id,
        links=await link_counts(session, question),
        follow_ups=await count_follow_ups(session, campaign_id),
        triggers=trigger_counts((await count_campaign_triggers(session, campaign_id, ALL))[0]),
    )
