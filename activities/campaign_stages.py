"""What a campaign's workflow reads when it starts, and writes when it goes from one stage to the next."""

from temporalio import activity

from models import audience
from models.base import now
from models.campaign import Campaign, CampaignState
from models.channel import Channel
from models.database import Database
from models.wire import CampaignInput, CampaignPlan, CampaignStage, send_queue


class CampaignStages:
    def __init__(self, database: Database, page_size: int) -> None:
        self._database = database
        self._page_size = page_size

    @activity.defn
    async def load_campaign(self, start: CampaignInput) -> CampaignPlan:
        async with self._database.transaction() as session:
            campaign = await session.get_one(Campaign, start.campaign_id)
            channel = await session.get_one(Channel, campaign.channel_id)
            return CampaignPlan(
                name=campaign.name,
                recipients=campaign.recipients or await audience.count_recipients(session, campaign),
                send_queue=send_queue(channel.kind),
                page_size=self._page_size,
                tracking_until=campaign.tracking_until or now(),
            )

    @activity.defn
    async def enter_stage(self, stage: CampaignStage) -> None:
        async with self._database.transaction() as session:
            campaign = await session.get_one(Campaign, stage.campaign_id, with_for_update=True)
            campaign.state, campaign.updated_at = CampaignState(stage.state), now()
