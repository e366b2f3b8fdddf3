"""Takes one contact through a sequence in turns: at each rest the workflow waits, and then one activity goes on to the next rest.

Signals: `click` (a person clicked a link of a message of this enrollment), `command` (such as a stop). Query: `progress`.
"""

from asyncio import CancelledError
from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    import workflows.enrollment_loop as loop
    import workflows.policies as policies
    from activities.take_turn import TakeTurn
    from models.texts.temporal_text import escaped, summary
    from models.wire.clicks import ClickSignal
    from models.wire.commands import Command
    from models.wire.enrollments import EnrollmentInput, EnrollmentProgress, EnrollmentResult, Later, Over, Turn
    from workflows.signals import signal

STAGE = SearchAttributeKey.for_keyword("Stage")


@workflow.defn
class SequenceEnrollment:
    """Workflow id `enrollment/{enrollment}`. Its state is one model: the query's answer and the next run's input."""

    @workflow.init
    def __init__(self, start: EnrollmentInput) -> None:
        self._start = start
        self._state = start.progress or loop.first(start.plan)
        self._signals = 0

    @signal
    def click(self, clicked: ClickSignal) -> None:
        self._state = loop.hear_click(self._state, self._start.plan, clicked)

    @signal
    def command(self, command: Command) -> None:
        if not loop.knows(command, self._start.plan):
            workflow.logger.warning(f"command {command.command_id} ignored: this version does not know its kind or step")
        self._state = loop.hear_command(self._state, self._start.plan, command)

    @workflow.query
    def progress(self) -> EnrollmentProgress:
        return self._state

    @workflow.run
    async def run(self, _start: EnrollmentInput) -> EnrollmentResult:
        try:
            await self._go_on()
        except (ActivityError, CancelledError) as error:
            await self._end_by(error)
            raise
        assert isinstance(self._state.rest, Over)  # noqa: S101 - the loop goes on until then
        return EnrollmentResult(outcome=self._state.rest.outcome, steps=self._state.step_run)

    async def _go_on(self) -> None:
        """Goes from rest to rest until the enrollment is over. A new run takes over between two turns, where the state is all
        there is."""
        while not isinstance(self._state.rest, Over):
            if self._must_continue():
                workflow.continue_as_new(self._start.model_copy(update={"progress": self._state}))
            turn = loop.next_turn(self._start, self._state, workflow.now())
            if turn is None:
                await self._rest()
            else:
                await self._take(turn)

    async def _rest(self) -> None:
        """Waits until there is a cause to go on. The state is tested before the wait, and signals are applied before timers, so a
        click that comes together with the due time wins."""
        due_at = loop.due_at(self._state)
        try:
            await workflow.wait_condition(
                lambda: self._must_continue() or loop.next_turn(self._start, self._state, workflow.now()) is not None,
                timeout=max(due_at - workflow.now(), timedelta(milliseconds=1)) if due_at else None,
                timeout_summary=summary(f"{self._state.step_key}: until {due_at:%Y-%m-%d %H:%M:%S} UTC"),
            )
        except TimeoutError:
            return

    async def _take(self, turn: loop.NextTurn) -> None:
        self._state = turn.progress
        answer = await self._answer(turn)
        if answer is not None:
            self._state = loop.after(self._state, answer)
            self._show()

    async def _answer(self, turn: loop.NextTurn) -> Turn | None:
        """Returns the activity's answer, or None when a stop came first. A turn that still stands in its queue is then taken out
        of it, and the rows tell what a turn that has begun did."""
        activity = workflow.start_activity_method(
            TakeTurn.take_turn,
            turn.request,
            task_queue=turn.request.queue,
            summary=self._summary(turn),
            priority=policies.priority(turn.request),
            **policies.TURN,
        )
        stoppable = turn.request.end is None
        try:
            await workflow.wait_condition(lambda: activity.done() or (stoppable and loop.is_stopped(self._state)))
        finally:
            if not activity.done():
                activity.cancel()
        try:
            return await activity
        except ActivityError as error:
            if stoppable and loop.is_stopped(self._state) and is_cancelled_exception(error):
                return None
            raise

    async def _end_by(self, error: BaseException) -> None:
        """Whatever ends the workflow, its row must not stay `running`. A cancel comes from Temporal's own tools, not from us."""
        if is_cancelled_exception(error):
            over = Over(state="stopped", outcome="canceled in Temporal")
        else:
            over = Over(state="failed", outcome=str(error.__cause__ or error))
        await self._take(loop.end_turn(self._start, self._state, over))
        await self._go_on()

    def _summary(self, turn: loop.NextTurn) -> str:
        if turn.request.end is not None:
            return summary(f"end: {escaped(turn.request.end.outcome)}")
        step = self._start.plan.step(turn.request.step_key)
        return summary(f"{step.kind} {step.key}" if step else "end")

    def _show(self) -> None:
        """In the Temporal UI: details, which cost nothing. A change of a search attribute costs an event and a row of the list,
        so only an end that the status does not tell, such as a stop, changes one."""
        plan, rest = self._start.plan, self._state.rest
        step = plan.step(self._state.step_key)
        if isinstance(rest, Over):
            text = f"**{rest.state}**: {escaped(rest.outcome)}"
            if rest.state != "completed":
                workflow.upsert_search_attributes([STAGE.value_set(rest.state)])
        else:
            where = f"step `{step.key}` ({step.kind})" if step else "the end"
            text = f"**{escaped(plan.name)}** version {plan.version}, {where}"
        if isinstance(rest, Later):
            text = f"{text}: {rest.why}, again at {rest.at:%Y-%m-%d %H:%M:%S} UTC"
        workflow.set_current_details(text)

    def _must_continue(self) -> bool:
        return workflow.info().is_continue_as_new_suggested() or self._signals >= policies.MAX_SIGNALS
