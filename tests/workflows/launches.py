"""A campaign's launch under test: the real workflow, with activities that only remember what they were asked."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from models.wire.campaigns import (
    CampaignDigest,
    CampaignInput,
    CampaignPage,
    CampaignPageResult,
    CampaignPlan,
    CampaignProgress,
    CampaignStage,
)
from models.wire.names import campaign_workflow_id
from workflows.campaign_launch import CampaignLaunch

ORG = UUID(int=1)
BUSY = timedelta(minutes=10)


class Launch:
    """Stands for everything outside of one launch. `broken_pages`: this many attempts fail before a page is sent. `busy`: this
    many pages find the provider busy for `wait`. `refused`: how many of each page are refused for now; one less in each
    later round. `over`: the campaign was ended. `resumed`: its channel goes on while a page finds it busy.

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
        self.busy = 0
        self.wait = BUSY
        self.over = False
        self.resumed = False
        self.rounds = 0
        self.asked: list[UUID | None] = []
        self.insisted: list[bool] = []
        self.asked_at: list[datetime] = []
        self.stages: list[str] = []

    @activity.defn
    async def load_campaign(self, start: CampaignInput) -> CampaignPlan:
        return CampaignPlan(
            name="Campaign", recipients=100, send_queue=self.queue, page_size=10, tracking_until=self.tracking_until
        )

    @activity.defn
    async def send_page(self, page: CampaignPage) -> CampaignPageResult:
        if self.broken_pages:
            self.broken_pages -= 1
            raise ApplicationError("refused for now")
        for number in range(self.digests):
            await self.handle.signal(CampaignLaunch.digest, CampaignDigest(clicks=number, people=1))
        self.digests = 0
        if page.again:
            return self._round()
        self.asked.append(page.cursor)
        self.insisted.append(page.insist)
        self.asked_at.append(activity.info().scheduled_time)
        if self.over:
            return CampaignPageResult(cursor=page.cursor, last=False, over=True)
        if self.busy and not page.insist:
            self.busy -= 1
            if self.resumed:
                await self.handle.signal(CampaignLaunch.look_again)
            return CampaignPageResult(cursor=page.cursor, last=False, later_at=activity.info().scheduled_time + self.wait)
        left = self.cursors[self.cursors.index(page.cursor) + 1 :] if page.cursor else self.cursors
        return CampaignPageResult(
            cursor=left[0] if left else None,
            last=not left,
            sent=0 if page.insist else 8,
            planned=10,
            accepted=7 - self.refused,
            skipped=2,
            failed=1,
            refused=self.refused,
        )

    def _round(self) -> CampaignPageResult:
        self.rounds += 1
        self.refused -= 1
        counts = {"planned": 10, "accepted": 7 - self.refused, "skipped": 2, "failed": 1, "refused": self.refused}
        return CampaignPageResult(cursor=None, last=True, sent=1, **counts)

    @activity.defn
    async def enter_stage(self, stage: CampaignStage) -> None:
        self.stages.append(stage.state)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(campaign_workflow_id(self.id))

    def worker(self) -> Worker:
        return Worker(
            self.client,
            task_queue=self.queue,
            workflows=[CampaignLaunch],
            activities=[self.load_campaign, self.send_page, self.enter_stage],
            max_cached_workflows=0,
            workflow_runner=UnsandboxedWorkflowRunner(),  # so that the workflow sees what a test has changed in `policies`
        )

    async def start(self) -> WorkflowHandle[Any, CampaignProgress]:
        given = CampaignInput(org_id=ORG, campaign_id=self.id)
        return await self.client.start_workflow(
            CampaignLaunch.run, given, id=campaign_workflow_id(self.id), task_queue=self.queue
        )

    async def progress(self) -> CampaignProgress:
        async with self.worker():
            return await (await self.start()).result()
