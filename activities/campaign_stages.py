"""What a campaign's workflow reads when it starts, and writes when it goes from one stage to the next."""

import structlog
from temporalio import activity

from models.base import now
from models.campaigns import audience
from models.campaigns.campaign import Campaign, CampaignState
from models.channels.channel import Channel
from models.database import Database
from models.wire.campaigns import CampaignInput, CampaignPlan, CampaignStage
from models.wire.names import page_queue

log = structlog.get_logger()


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
                send_queue=page_queue(channel.kind),
                page_size=self._page_size,
                tracking_until=campaign.tracking_until or now(),
            )

    @activity.defn
    async def enter_stage(self, stage: CampaignStage) -> None:
        async with self._database.transaction() as session:
            campaign = await session.get_one(Campaign, stage.campaign_id, with_for_update=True)
            campaign.state, campaign.updated_at = CampaignState(stage.state), now()
        log.info(
            "campaign entered a stage", stage=stage.state, campaign_id=str(campaign.id), organization_id=str(campaign.org_id)
        )
