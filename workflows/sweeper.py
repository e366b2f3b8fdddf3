"""Looks for what a crash or an outage left behind, for ever: rows without a workflow, clicks that were not signalled.

Signal: `wake` (there is work now; do not wait for the timer). Each sweep's result says how long to wait for the next one.
"""

from contextlib import suppress

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies
    from activities.sweep import Sweep
    from models import wire

# A run ends after this many sweeps even if nothing suggests it, so that its history stays readable.
SWEEPS_A_RUN = 500


@workflow.defn
class Sweeper:
    """Workflow id `sweeper`, one for the whole installation."""

    @workflow.init
    def __init__(self, start: wire.SweeperInput) -> None:
        self._interval = start.interval
        self._woken = False
        self._signals = 0

    @workflow.signal
    def wake(self) -> None:
        self._woken = True
        self._signals += 1

    @workflow.run
    async def run(self, _start: wire.SweeperInput) -> None:
        for _ in range(SWEEPS_A_RUN):
            await self._sweep()
            with suppress(TimeoutError):
                await workflow.wait_condition(lambda: self._woken, timeout=self._interval, timeout_summary="next sweep")
            if workflow.info().is_continue_as_new_suggested() or self._signals >= policies.MAX_SIGNALS:
                break
        if self._woken:
            await self._sweep()
        workflow.continue_as_new(wire.SweeperInput(interval=self._interval))

    async def _sweep(self) -> None:
        woken, self._woken = self._woken, False
        result = await workflow.execute_activity_method(Sweep.sweep, wire.SweepRequest(woken=woken), **policies.SWEEP)
        self._interval = result.interval or self._interval
        workflow.set_current_details(f"last sweep: {result.model_dump(exclude={'interval'})}")
