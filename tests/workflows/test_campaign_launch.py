"""One campaign's launch: page after page, then open for its tracking window."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from models import wire
from workflows import policies
from workflows.campaign_launch import CampaignLaunch

ORG = UUID(int=1)


class Launch:
    """Stands for everything outside of one launch. `broken_pages`: this many attempts fail before a page is sent.

    The signals of `digests` come while the first page is being sent.
    """

    def __init__(self, environment: WorkflowEnvironment, pages: int, tracking_until: datetime) -> None:
        self.environment = environment
        self.id = uuid4()
        self.queue = f"campaign-{self.id}"
        self.cursors = [UUID(int=number) for number in range(1, pages)]
        self.tracking_until = tracking_until
        self.broken_pages = 0
        self.digests = 0
        self.asked: list[UUID | None] = []
        self.stages: list[str] = []

    @activity.defn
    async def load_campaign(self, start: wire.CampaignInput) -> wire.CampaignPlan:
        return wire.CampaignPlan(
            name="Campaign", recipients=100, send_queue=self.queue, page_size=10, tracking_until=self.tracking_until
        )

    @activity.defn
    async def send_page(self, page: wire.CampaignPage) -> wire.CampaignPageResult:
        if self.broken_pages:
            self.broken_pages -= 1
            raise ApplicationError("refused for now")
        for number in range(self.digests):
            await self.handle.signal(CampaignLaunch.digest, wire.CampaignDigest(clicks=number, people=1))
        self.digests = 0
        self.asked.append(page.cursor)
        left = self.cursors[self.cursors.index(page.cursor) + 1 :] if page.cursor else self.cursors
        return wire.CampaignPageResult(cursor=left[0] if left else None, planned=10, accepted=7, skipped=2, failed=1)

    @activity.defn
    async def enter_stage(self, stage: wire.CampaignStage) -> None:
        self.stages.append(stage.state)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.environment.client.get_workflow_handle(wire.campaign_workflow_id(ORG, self.id))

    def worker(self) -> Worker:
        return Worker(
            self.environment.client,
            task_queue=self.queue,
            workflows=[CampaignLaunch],
            activities=[self.load_campaign, self.send_page, self.enter_stage],
            max_cached_workflows=0,
            workflow_runner=UnsandboxedWorkflowRunner(),  # so that the workflow sees what a test has changed in `policies`
        )

    async def start(self) -> WorkflowHandle[Any, wire.CampaignProgress]:
        given = wire.CampaignInput(org_id=ORG, campaign_id=self.id)
        return await self.environment.client.start_workflow(
            CampaignLaunch.run, given, id=wire.campaign_workflow_id(ORG, self.id), task_queue=self.queue
        )

    async def progress(self) -> wire.CampaignProgress:
        async with self.worker():
            return await (await self.start()).result()


async def launch(environment: WorkflowEnvironment, pages: int, window: timedelta = timedelta(days=7)) -> Launch:
    return Launch(environment, pages, await environment.get_current_time() + window)


async def test_a_page_that_fails_is_tried_again_and_counted_once(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=2)
    campaign.broken_pages = 5
    progress = await campaign.progress()
    assert (progress.planned, progress.accepted, progress.skipped, progress.failed) == (20, 14, 4, 2)


async def test_a_tracking_window_that_is_over_ends_the_launch_at_once(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=1, window=timedelta(days=-1))
    assert (await campaign.progress()).sent_all
    assert campaign.stages == ["tracking", "completed"]


async def test_pages_follow_each_other_by_their_cursors(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=3)
    await campaign.progress()
    assert campaign.asked == [None, UUID(int=1), UUID(int=2)]


async def test_the_launch_stays_open_until_its_tracking_window_ends(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=1)
    await campaign.progress()
    closed = (await campaign.handle.describe()).close_time
    assert closed is not None
    assert timedelta(0) <= closed - campaign.tracking_until < timedelta(minutes=1)


async def test_a_new_run_in_the_middle_of_sending_goes_on_at_the_next_page(
    skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MAX_SIGNALS", 3)
    campaign = await launch(skipping, pages=3)
    campaign.digests = 3
    assert (await campaign.progress()).planned == 30
    assert campaign.asked == [None, UUID(int=1), UUID(int=2)]
    assert campaign.stages == ["tracking", "completed"]


async def test_a_new_run_while_tracking_sends_nothing_again(
    skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MAX_SIGNALS", 3)
    campaign = await launch(skipping, pages=1)
    async with campaign.worker():
        handle = await campaign.start()
        await skipping.sleep(timedelta(days=1))
        for number in range(3):
            await handle.signal(CampaignLaunch.digest, wire.CampaignDigest(clicks=number, people=1))
        assert (await handle.result()).planned == 10
    assert (campaign.asked, campaign.stages) == ([None], ["tracking", "completed"])


async def test_progress_can_be_asked_for(skipping: WorkflowEnvironment) -> None:
    campaign = await launch(skipping, pages=2)
    async with campaign.worker():
        handle = await campaign.start()
        await skipping.sleep(timedelta(days=1))
        progress = await handle.query(CampaignLaunch.progress)
        await handle.result()
    assert (progress.sent_all, progress.accepted) == (True, 14)
