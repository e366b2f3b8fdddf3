"""Analytics of a campaign. `docs/analytics.md` says what each number means."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.reports.counted import LinkCount, link_counts
from api.reports.funnel import Funnel, funnel_of, rate
from api.reports.totals import Analytics, read_common
from api.reports.window import LinksWindowDep, read_answer
from api.triggers.counts import ALL, TriggerCountView, trigger_counts
from models.campaigns.campaign import get_campaign
from models.clicks.click import Scope
from models.outcomes.compared import FirstAndLast, first_and_last_clicks
from models.outcomes.funnel import count_campaigns
from models.reports.steps import count_follow_ups
from models.reports.texts import contents_of
from models.reports.triggers import count_campaign_triggers

router = area("analytics")


MOST_BEST_LINKS = 5


class BestLink(LinkCount):
    share: float = Field(description="people / people of the whole report. Shares of links do not add up to 1.", examples=[0.8])


class CampaignAnalytics(Analytics):
    campaign_id: UUID
    funnel: Funnel
    first_click_at: datetime | None = Field(description="Of a person, of all time.")
    last_click_at: datetime | None
    best_links: list[BestLink] = Field(description=f"The {MOST_BEST_LINKS} that most people clicked.")
    links: list[LinkCount]
    follow_ups: dict[str, int] = Field(description="Enrollments that the triggers made, by state.", examples=[{"completed": 60}])
    triggers: list[TriggerCountView] = Field(description="How often each fired and what its actions did, in their order.")


@router.get("/campaigns/{campaign_id}/analytics", summary="Read a campaign's numbers")
async def of_campaign(
    campaign_id: UUID, session: SessionDep, caller: OrganizationDep, services: ServicesDep, asked: LinksWindowDep
) -> CampaignAnalytics:
    """The campaign's own message. What its follow-ups send is counted by their sequence."""
    await get_campaign(session, caller.id, campaign_id)
    question = asked.question(Scope.CAMPAIGN, campaign_id)
    found = await read_answer(services, session, caller.id, question)
    contents = await contents_of(session, Scope.CAMPAIGN, campaign_id)
    counts = (await count_campaigns(session, [campaign_id]))[campaign_id]
    common = await read_common(session, found, asked, contents, counts.messages)
    links = await link_counts(session, question, found)
    return CampaignAnalytics(
        **common,
        campaign_id=campaign_id,
        funnel=funnel_of(counts),
        **(await first_and_last_clicks(session, [campaign_id])).get(campaign_id, FirstAndLast())._asdict(),
        best_links=best_links(links, common["totals"].people),
        links=links,
        follow_ups=await count_follow_ups(session, campaign_id),
        triggers=trigger_counts((await count_campaign_triggers(session, campaign_id, ALL))[0]),
    )


def best_links(links: Sequence[LinkCount], people: int) -> list[BestLink]:
    """Those that nobody clicked are left out. Of links with equally many people, the one with more clicks comes first."""
    best = sorted((each for each in links if each.people), key=lambda each: (-each.people, -each.clicks))[:MOST_BEST_LINKS]
    return [BestLink(**dict(each), share=rate(each.people, people) or 0) for each in best]
