"""Looks for what a crash or an outage left behind, for ever. There is one for each part of that work, so that none of them can
hold up another: clicks and commands never wait behind starts.

Signal: `wake` (there is work now; do not wait for the timer). Each sweep's result says how long to wait for the next one.
"""

from contextlib import suppress
from typing import assert_never

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies
    from activities.run_triggers import RunTriggers
    from activities.send_notifications import SendNotifications
    from activities.send_triggered import SendTriggered
    from activities.sweep_not_clicked import SweepNotClicked
    from activities.sweep_rows import SweepRows
    from activities.sweep_signals import SweepSignals
    from activities.sweep_starts import SweepStarts
    from models.wire.sweeper import SweeperInput, SweepRequest, SweepResult, Watch
    from workflows.signals import signal

# A run ends after this many sweeps even if nothing suggests it, so that its history stays readable.
SWEEPS_A_RUN = 500


@workflow.defn
class Sweeper:
    """Workflow ids `sweeper/PART`, such as `sweeper/signals`, one of each for the whole installation."""

    @workflow.init
    def __init__(self, start: SweeperInput) -> None:
        self._part = start.part
        self._interval = start.interval
        self._watch = start.watch or Watch(since=workflow.now())
        self._woken = False
        self._more = False
        self._signals = 0

    @signal
    def wake(self) -> None:
        self._woken = True

    @workflow.run
    async def run(self, _start: SweeperInput) -> None:
        for _ in range(SWEEPS_A_RUN):
            await self._sweep()
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._woken or self._more, timeout=self._interval, timeout_summary="next sweep"
                )
            if workflow.info().is_continue_as_new_suggested() or self._signals >= policies.MAX_SIGNALS:
                break
        if self._woken:
            await self._sweep()
        workflow.continue_as_new(SweeperInput(part=self._part, interval=self._interval, watch=self._watch))

    async def _sweep(self) -> None:
        woken, self._woken = self._woken, False
        result = await self._take(SweepRequest(woken=woken, watch=self._watch))
        self._more = result.more
        self._interval = result.interval or self._interval
        self._watch = result.watch or self._watch
        workflow.set_current_details(f"last sweep: {result.done}")

    async def _take(self, request: SweepRequest) -> SweepResult:
        match self._part:
            case "signals":
                return await workflow.execute_activity_method(SweepSignals.sweep_signals, request, **policies.SWEEP)
            case "starts":
                return await workflow.execute_activity_method(SweepStarts.sweep_starts, request, **policies.SWEEP)
            case "rows":
                return await workflow.execute_activity_method(SweepRows.sweep_rows, request, **policies.SWEEP)
            case "not_clicked":
                return await workflow.execute_activity_method(SweepNotClicked.sweep_not_clicked, request, **policies.SWEEP)
            case "triggers":
                return await workflow.execute_activity_method(RunTriggers.run_triggers, request, **policies.SWEEP)
            case "notifications":
                return await workflow.execute_activity_method(SendNotifications.send_notifications, request, **policies.SWEEP)
            case "sends":
                return await workflow.execute_activity_method(SendTriggered.send_triggered, request, **policies.SWEEP)
            case _:
                assert_never(self._part)
