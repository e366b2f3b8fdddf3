"""A campaign behind a provider that is slow or takes nothing, with real pages and rows, on a clock that jumps over waits.

The figures are small: a "day" of three seconds and a line of eight people stand for 86,400 seconds and a line of 90,000.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import send_page
from activities.campaign_stages import CampaignStages
from models.campaigns.campaign import Campaign, CampaignState
from models.database import Database
from models.organizations.organization import Organization
from models.wire.campaigns import CampaignInput, CampaignPage, CampaignPageResult, CampaignProgress
from models.wire.names import campaign_workflow_id, page_queue
from services import refusal
from services.channels.base import ChannelError, Outgoing, Receipt
from tests.sending import Provider, Sending
from workflows.campaign_launch import CampaignLaunch

PEOPLE = 8
DAY = timedelta(seconds=3)


class Clock:
    """The time of the server that jumps over waits, as it was at the last page."""

    def __init__(self, now: datetime) -> None:
        self.now = now


class Slow(Provider):
    """Takes `per_second` messages in each second of the clock and refuses the others for now."""

    def __init__(self, clock: Clock, per_second: int) -> None:
        super().__init__()
        self.clock, self.per_second = clock, per_second
        self.calls: Counter[int] = Counter()

    async def send(self, message: Outgoing) -> Receipt:
        second = int(self.clock.now.timestamp())
        self.calls[second] += 1
        if self.calls[second] > self.per_second:
            raise ChannelError("one message a second", permanent=False)
        return await super().send(message)


@dataclass
class Pages:
    """Real pages, before each of which the clock is read."""

    environment: WorkflowEnvironment
    clock: Clock
    sending: Sending

    @activity.defn
    async def send_page(self, page: CampaignPage) -> CampaignPageResult:
        self.clock.now = await self.environment.get_current_time()
        return await self.sending.pages.send_page(page)


@pytest.fixture
async def clock(skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(await skipping.get_current_time())
    monkeypatch.setattr(refusal, "now", lambda: clock.now)
    monkeypatch.setattr(refusal, "GIVE_UP_AFTER", DAY)
    monkeypatch.setattr(send_page, "CHUNK", 3)
    return clock


async def launched(
    skipping: WorkflowEnvironment, database: Database, organization: Organization, clock: Clock, provider: Slow
) -> CampaignProgress:
    sending = Sending(database, organization, provider)
    await sending.contacts(PEOPLE)
    campaign = await sending.campaign()
    await sending.change(campaign, tracking_until=clock.now)
    stages, pages = CampaignStages(database, 6), Pages(skipping, clock, sending)
    queue, id_ = "workflows", campaign_workflow_id(campaign.id)
    given = CampaignInput(org_id=organization.id, campaign_id=campaign.id)
    worker = Worker(
        skipping.client,
        task_queue=queue,
        workflows=[CampaignLaunch],
        activities=[stages.load_campaign, stages.enter_stage],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    sender = Worker(skipping.client, task_queue=page_queue("simulator"), activities=[pages.send_page])
    async with worker, sender:
        progress = await skipping.client.execute_workflow(CampaignLaunch.run, given, id=id_, task_queue=queue)
    async with database.transaction() as session:
        assert (await session.get_one(Campaign, campaign.id)).state == CampaignState.COMPLETED
    return progress


async def test_behind_a_channel_that_takes_one_message_a_second_the_last_in_line_is_sent_and_not_failed(
    skipping: WorkflowEnvironment, database: Database, organization: tuple[Organization, str], clock: Clock
) -> None:
    begin, provider = clock.now, Slow(clock, 1)
    progress = await launched(skipping, database, organization[0], clock, provider)
    assert (progress.accepted, progress.failed, progress.refused) == (PEOPLE, 0, 0)
    assert set(provider.times().values()) == {1}
    assert clock.now - begin > 2 * DAY  # the last one stood in line for longer than a message may be refused


async def test_a_channel_that_takes_nothing_is_given_up_a_day_after_the_first_refusals(
    skipping: WorkflowEnvironment, database: Database, organization: tuple[Organization, str], clock: Clock
) -> None:
    provider = Slow(clock, 0)
    progress = await launched(skipping, database, organization[0], clock, provider)
    assert (progress.accepted, progress.failed, progress.refused) == (0, PEOPLE, 0)
    assert provider.taken == []
