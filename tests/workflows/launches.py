"""A campaign's launch under test: the real workflow, with activities that only remember what they were asked."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from models import wire
from workflows.campaign_launch import CampaignLaunch

ORG = UUID(int=1)


class Launch:
    """Stands for everything outside of one launch. `broken_pages`: this many attempts fail before a page is sent.
    `refused`: how many of each page are refused for now; one less in each later round.

    The signals of `digests` come while the first page is being sent.
    """

    def __init__(self, client: Client, pages: int, tracking_until: datetime) -> None:
        self.client = client
        self.id = uuid4()
        self.queue = f"campaign-{self.id}"
        self.cursors = [UUID(int=number) for number in range(1, pages)]
        self.tracking_until = tracking_until
        self.broken_pages = 0
        self.digests = 0
        self.refused = 0
        self.rounds = 0
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
        return wire.CampaignPageResult(
            cursor=left[0] if left else None, planned=10, accepted=7 - self.refused, skipped=2, failed=1, refused=self.refused
        )

    @activity.defn
    async def send_refused(self, start: wire.CampaignInput) -> wire.CampaignPageResult:
        self.rounds += 1
        self.refused -= 1
        return wire.CampaignPageResult(
            cursor=None, planned=10, accepted=7 - self.refused, skipped=2, failed=1, refused=self.refused
        )

    @activity.defn
    async def enter_stage(self, stage: wire.CampaignStage) -> None:
        self.stages.append(stage.state)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(wire.campaign_workflow_id(ORG, self.id))

    def worker(self) -> Worker:
        return Worker(
            self.client,
            task_queue=self.queue,
            workflows=[CampaignLaunch],
            activities=[self.load_campaign, self.send_page, self.send_refused, self.enter_stage],
            max_cached_workflows=0,
            workflow_runner=UnsandboxedWorkflowRunner(),  # so that the workflow sees what a test has changed in `policies`
        )

    async def start(self) -> WorkflowHandle[Any, wire.CampaignProgress]:
        given = wire.CampaignInput(org_id=ORG, campaign_id=self.id)
        return await self.client.start_workflow(
            CampaignLaunch.run, given, id=wire.campaign_workflow_id(ORG, self.id), task_queue=self.queue
        )

    async def progress(self) -> wire.CampaignProgress:
        async with self.worker():
            return await (await self.start()).result()
