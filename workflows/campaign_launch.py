"""One launch of a campaign: sends page by page, then stays open for its tracking window and shows the clicks.

Signal: `digest` (counts, at most every few seconds; the clicks themselves go to nobody's workflow here). Query: `progress`.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Literal

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies
    from activities.campaign_stages import CampaignStages
    from activities.send_page import SendPage
    from models import wire

STAGE = SearchAttributeKey.for_keyword("Stage")


@workflow.defn
class CampaignLaunch:
    """Workflow id `campaign/{organization}/{campaign}`."""

    @workflow.init
    def __init__(self, start: wire.CampaignInput) -> None:
        self._start = start
        self._progress = start.progress or wire.CampaignProgress()
        self._digest = wire.CampaignDigest(clicks=0, people=0)
        self._signals = 0

    @workflow.signal
    def digest(self, digest: wire.CampaignDigest) -> None:
        self._signals += 1
        self._digest = digest
        self._show("tracking" if self._progress.sent_all else "sending")

    @workflow.query
    def progress(self) -> wire.CampaignProgress:
        return self._progress

    @workflow.run
    async def run(self, start: wire.CampaignInput) -> wire.CampaignProgress:
        plan = await workflow.execute_activity_method(
            CampaignStages.load_campaign,
            wire.CampaignInput(org_id=start.org_id, campaign_id=start.campaign_id),
            **policies.QUICK,
        )
        await self._send_all(plan)
        await self._track(plan)
        await self._enter_stage("completed")
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._progress

    async def _send_all(self, plan: wire.CampaignPlan) -> None:
        while not self._progress.sent_all:
            if self._must_continue():
                self._continue_as_new()
            page = await workflow.execute_activity_method(
                SendPage.send_page,
                wire.CampaignPage(
                    org_id=self._start.org_id,
                    campaign_id=self._start.campaign_id,
                    cursor=self._progress.cursor,
                    size=plan.page_size,
                ),
                task_queue=plan.send_queue,
                summary=f"{self._progress.planned} of {plan.recipients} done",
                **policies.PAGE,
            )
            self._add(page)
            self._show("sending")
        await self._send_refused(plan)
        await self._enter_stage("tracking")

    async def _send_refused(self, plan: wire.CampaignPlan) -> None:
        """Round after round, until what the channel refused for now is sent or given up, which the activity does after a day."""
        while self._progress.refused:
            with suppress(TimeoutError):
                summary = f"{self._progress.refused} refused for now: try again"
                await workflow.wait_condition(self._must_continue, timeout=policies.REFUSED_AGAIN, timeout_summary=summary)
            if self._must_continue():
                self._continue_as_new()
            self._replace(
                await workflow.execute_activity_method(
                    SendPage.send_refused,
                    wire.CampaignInput(org_id=self._start.org_id, campaign_id=self._start.campaign_id),
                    task_queue=plan.send_queue,
                    summary=f"{self._progress.refused} refused for now",
                    **policies.REFUSED,
                )
            )
            self._show("sending")

    def _add(self, page: wire.CampaignPageResult) -> None:
        done = self._progress
        self._progress = wire.CampaignProgress(
            cursor=page.cursor,
            sent_all=page.cursor is None,
            planned=done.planned + page.planned,
            accepted=done.accepted + page.accepted,
            skipped=done.skipped + page.skipped,
            failed=done.failed + page.failed,
            refused=done.refused + page.refused,
        )

    def _replace(self, whole: wire.CampaignPageResult) -> None:
        counts = whole.model_dump(exclude={"cursor"})
        self._progress = self._progress.model_copy(update=counts)

    async def _track(self, plan: wire.CampaignPlan) -> None:
        while (left := plan.tracking_until - workflow.now()) > timedelta(0):
            if self._must_continue():
                self._continue_as_new()
            try:
                await workflow.wait_condition(
                    self._must_continue, timeout=left, timeout_summary=f"tracking until {plan.tracking_until:%Y-%m-%d %H:%M} UTC"
                )
            except TimeoutError:
                return

    async def _enter_stage(self, stage: Literal["tracking", "completed"]) -> None:
        before = self._start.progress
        if stage == "tracking" and before is not None and before.sent_all and not before.refused:
            return  # entered in an earlier run
        self._show(stage)
        workflow.upsert_search_attributes([STAGE.value_set(stage)])
        await workflow.execute_activity_method(
            CampaignStages.enter_stage,
            wire.CampaignStage(org_id=self._start.org_id, campaign_id=self._start.campaign_id, state=stage),
            summary=stage,
            **policies.QUICK,
        )

    def _show(self, stage: str) -> None:
        done, clicks = self._progress, self._digest
        refused = f", {done.refused} refused for now" if done.refused else ""
        workflow.set_current_details(
            f"**{stage}**: {done.accepted} accepted, {done.skipped} skipped, {done.failed} failed{refused}; "
            f"{clicks.clicks} clicks by {clicks.people} people"
        )

    def _must_continue(self) -> bool:
        return workflow.info().is_continue_as_new_suggested() or self._signals >= policies.MAX_SIGNALS

    def _continue_as_new(self) -> None:
        workflow.continue_as_new(self._start.model_copy(update={"progress": self._progress}))
