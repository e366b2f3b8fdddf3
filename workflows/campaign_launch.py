"""One launch of a campaign: sends page by page, then stays open for its tracking window and shows the clicks.

Signals: `digest` (counts, at most every few seconds; the clicks themselves go to nobody's workflow here) and `look_again` (its
channel was resumed). Query: `progress`.
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
    from models.wire.campaigns import (
        CampaignDigest,
        CampaignInput,
        CampaignPage,
        CampaignPageResult,
        CampaignPlan,
        CampaignProgress,
        CampaignStage,
    )
    from workflows.launch_progress import after_page, insists
    from workflows.signals import signal

STAGE = SearchAttributeKey.for_keyword("Stage")


@workflow.defn
class CampaignLaunch:
    """Workflow id `campaign/{campaign}`."""

    @workflow.init
    def __init__(self, start: CampaignInput) -> None:
        self._start = start
        self._progress = start.progress or CampaignProgress()
        self._digest = CampaignDigest(clicks=0, people=0)
        self._signals = 0
        self._looks_again = False

    @signal
    def look_again(self) -> None:
        self._looks_again = True

    @signal
    def digest(self, digest: CampaignDigest) -> None:
        self._digest = digest
        self._show("tracking" if self._progress.over else "sending")

    @workflow.query
    def progress(self) -> CampaignProgress:
        return self._progress

    @workflow.run
    async def run(self, start: CampaignInput) -> CampaignProgress:
        plan = await workflow.execute_activity_method(
            CampaignStages.load_campaign,
            CampaignInput(org_id=start.org_id, campaign_id=start.campaign_id),
            **policies.QUICK,
        )
        if await self._send_all(plan):
            await self._track(plan)
            await self._enter_stage("completed")
        return self._progress

    async def _send_all(self, plan: CampaignPlan) -> bool:
        """Sends page after page, and then round after round to those who were refused for now. Returns False when the campaign
        was ended meanwhile."""
        while not self._progress.over:
            await self._wait_for_provider()
            if self._must_continue():
                self._continue_as_new()
            page = await self._send_page(plan)
            if page.over:
                return False
            self._progress = after_page(self._progress, page, workflow.now())
            self._show("sending")
        await self._enter_stage("tracking")
        return True

    async def _send_page(self, plan: CampaignPlan) -> CampaignPageResult:
        done = self._progress
        return await workflow.execute_activity_method(
            SendPage.send_page,
            CampaignPage(
                org_id=self._start.org_id,
                campaign_id=self._start.campaign_id,
                cursor=done.cursor,
                size=plan.page_size,
                again=done.sent_all,
                insist=insists(done),
            ),
            task_queue=plan.send_queue,
            summary=f"{done.refused} refused for now" if done.sent_all else f"{done.planned} of {plan.recipients} done",
            **policies.PAGE,
        )

    async def _wait_for_provider(self) -> None:
        later = self._progress.later_at
        if later is not None and later > workflow.now():
            left, summary = later - workflow.now(), f"refused for now until {later:%H:%M:%S} UTC"
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._looks_again or self._must_continue(), timeout=left, timeout_summary=summary
                )
            if self._looks_again:
                self._looks_again, self._progress = False, self._progress.model_copy(update={"later_at": None})

    async def _track(self, plan: CampaignPlan) -> None:
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
        if stage == "tracking" and before is not None and before.over:
            return  # entered in an earlier run
        self._show(stage)
        workflow.upsert_search_attributes([STAGE.value_set(stage)])
        await workflow.execute_activity_method(
            CampaignStages.enter_stage,
            CampaignStage(org_id=self._start.org_id, campaign_id=self._start.campaign_id, state=stage),
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
