"""One contact's way through a sequence. Decides; the activities do, and write what people see.

Signals: `click` (a person clicked a link of a message of this enrollment), `stop`. Query: `progress`.
"""

from asyncio import CancelledError
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies
    from activities.enrollment_steps import EnrollmentSteps
    from activities.send_step import SendStep as SendStepActivity
    from models import steps, wire
    from workflows.click_book import ClickBook

STAGE = SearchAttributeKey.for_keyword("Stage")


@workflow.defn
class SequenceEnrollment:
    """Workflow id `enrollment/{organization}/{enrollment}`."""

    @workflow.init
    def __init__(self, start: wire.EnrollmentInput) -> None:
        progress = start.progress or wire.EnrollmentProgress()
        self._start = start
        self._step_key = progress.step_key
        self._visit = progress.visit
        self._due_at = progress.due_at
        self._previous_outcome = progress.previous_outcome
        self._book = ClickBook(progress.sent, progress.last_sent, progress.clicked, progress.used)
        self._stop: wire.StopSignal | None = None
        self._signals = 0

    @workflow.signal
    def click(self, signal: wire.ClickSignal) -> None:
        self._signals += 1
        self._book.click(signal.link)

    @workflow.signal
    def stop(self, signal: wire.StopSignal) -> None:
        self._signals += 1
        self._stop = self._stop or signal

    @workflow.query
    def progress(self) -> wire.EnrollmentProgress:
        return wire.EnrollmentProgress(
            step_key=self._step_key,
            visit=self._visit,
            due_at=self._due_at,
            clicked=self._book.clicked,
            used=self._book.used,
            sent=self._book.sent,
            last_sent=self._book.last_sent,
            previous_outcome=self._previous_outcome,
        )

    @workflow.run
    async def run(self, start: wire.EnrollmentInput) -> wire.EnrollmentResult:
        try:
            sequence = await self._load(start)
            if sequence.over is not None and self._stop is None:
                self._stop = wire.StopSignal(reason=sequence.over)
            outcome = await self._walk(sequence)
        except (ActivityError, CancelledError) as error:
            await self._end_by(error)
            raise
        if self._stop is not None:
            outcome = self._stop.reason
        await self._end("stopped" if self._stop else "completed", outcome)
        return wire.EnrollmentResult(outcome=outcome, steps=self._visit)

    async def _end_by(self, error: BaseException) -> None:
        """Whatever ends the workflow, its row must not go on running. A cancel comes from Temporal's own tools, not from us."""
        canceled = is_cancelled_exception(error)
        self._previous_outcome = "stopped" if canceled else "failed"
        if canceled:
            await self._end("stopped", "canceled in Temporal")
        else:
            await self._end("failed", str(error.__cause__ or error))

    async def _load(self, start: wire.EnrollmentInput) -> wire.LoadedSequence:
        return await workflow.execute_activity_method(
            EnrollmentSteps.load_sequence,
            wire.LoadSequence(
                org_id=start.org_id, sequence_version_id=start.sequence_version_id, enrollment_id=start.enrollment_id
            ),
            **policies.QUICK,
        )

    async def _walk(self, sequence: wire.LoadedSequence) -> str:
        """Step after step; the outcome of the end step, or "completed" after the last one."""
        if self._step_key is None and self._visit == 0:
            self._step_key = sequence.definition.steps[0].key
        while self._step_key is not None and self._stop is None:
            if self._due_at is None and self._must_continue():
                self._continue_as_new()
            step = sequence.definition.step(self._step_key)
            if isinstance(step, steps.EndStep):
                return step.outcome
            workflow.set_current_details(f"**{sequence.name}** version {sequence.version}, step `{step.key}` ({step.kind})")
            if self._due_at is None:
                self._visit += 1
            self._step_key = await self._take(step, sequence)
            self._due_at = None
        return "completed"

    async def _take(
        self, step: steps.SendStep | steps.WaitStep | steps.WaitForClickStep, sequence: wire.LoadedSequence
    ) -> str | None:
        """Do one step; the key of the next one, None after the last."""
        match step:
            case steps.SendStep():
                await self._send(step, sequence.send_queues[step.key])
                return sequence.definition.after(step)
            case steps.WaitStep():
                await self._wait(step, step.duration, lambda: False)
                self._previous_outcome = "stopped" if self._stop else "waited"
                return sequence.definition.after(step)
            case steps.WaitForClickStep():
                clicked = await self._wait_for_click(step)
                self._previous_outcome = "clicked" if clicked else "stopped" if self._stop else "timed_out"
                return step.on_click if clicked else step.on_timeout
            case _:
                assert_never(step)

    async def _send(self, step: steps.SendStep, queue: str) -> None:
        result = await workflow.execute_activity_method(
            SendStepActivity.send_step,
            wire.SendStepRequest(
                org_id=self._start.org_id,
                enrollment_id=self._start.enrollment_id,
                visit=self._visit,
                step_key=step.key,
                previous_outcome=self._previous_outcome,
            ),
            task_queue=queue,
            summary=f"send {step.key}",
            **policies.SEND,
        )
        self._previous_outcome = "sent" if result.state == "accepted" else result.state
        if result.state in {"accepted", "unknown"}:  # unknown may have arrived, so its clicks count
            self._book.message_sent(step.key, self._visit)

    async def _wait_for_click(self, step: steps.WaitForClickStep) -> bool:
        """True: clicked, also when the click came before the wait or its signal was lost."""
        await self._wait(step, step.timeout, lambda: self._book.match(step.link) is not None)
        if self._stop is None and self._book.match(step.link) is None:
            await self._ask_for_click(step)
        found = self._book.match(step.link)
        if found is not None:
            self._book.use(found)
        return found is not None

    async def _ask_for_click(self, step: steps.WaitForClickStep) -> None:
        """The signal is a doorbell, the database is the truth: look once before the no-click branch."""
        visits = self._book.waited_visits(step.link)
        if not visits:
            return
        found = await workflow.execute_activity_method(
            EnrollmentSteps.find_click,
            wire.FindClick(
                org_id=self._start.org_id,
                enrollment_id=self._start.enrollment_id,
                visits=visits,
                link_name=step.link,
                used=self._book.used,
            ),
            summary=f"any click before {step.on_timeout}?",
            **policies.QUICK,
        )
        if found.signal is not None:
            self._book.click(found.signal.link)

    async def _wait(self, step: steps.WaitStep | steps.WaitForClickStep, time: timedelta, ready: Callable[[], bool]) -> None:
        """Until `ready`, a stop, or the due time, which stays the same over continue-as-new."""
        if self._due_at is None:
            self._due_at = workflow.now() + time
            await self._enter(step, self._due_at)
        while not ready() and self._stop is None and (left := self._due_at - workflow.now()) > timedelta(0):
            if self._must_continue():
                self._continue_as_new()
            try:
                # The state is tested before the wait, and signals are applied before timers: a click wins a tie.
                await workflow.wait_condition(
                    lambda: ready() or self._stop is not None or self._must_continue(),
                    timeout=left,
                    timeout_summary=f"{step.key}: until {self._due_at:%Y-%m-%d %H:%M:%S} UTC",
                )
            except TimeoutError:
                return

    async def _enter(self, step: steps.WaitStep | steps.WaitForClickStep, due_at: datetime) -> None:
        await workflow.execute_activity_method(
            EnrollmentSteps.enter_step,
            wire.StepEntered(
                org_id=self._start.org_id,
                enrollment_id=self._start.enrollment_id,
                visit=self._visit,
                step_key=step.key,
                kind=step.kind,
                due_at=due_at,
                previous_outcome=self._previous_outcome,
            ),
            summary=f"enter {step.key}",
            **policies.QUICK,
        )

    async def _end(self, state: wire.FinalState, outcome: str) -> None:
        workflow.set_current_details(f"{state}: {outcome}")
        workflow.upsert_search_attributes([STAGE.value_set(state)])
        await workflow.execute_activity_method(
            EnrollmentSteps.end_enrollment,
            wire.EnrollmentEnded(
                org_id=self._start.org_id,
                enrollment_id=self._start.enrollment_id,
                visit=self._visit + 1,
                state=state,
                outcome=outcome,
                previous_outcome=self._previous_outcome,
            ),
            summary=f"end: {outcome}"[:200],
            **policies.QUICK,
        )
        await workflow.wait_condition(workflow.all_handlers_finished)

    def _must_continue(self) -> bool:
        return workflow.info().is_continue_as_new_suggested() or self._signals >= policies.MAX_SIGNALS

    def _continue_as_new(self) -> None:
        workflow.continue_as_new(self._start.model_copy(update={"progress": self.progress()}))
