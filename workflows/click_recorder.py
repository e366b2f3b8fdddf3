"""Records the clicks of one shard, for ever: batch after batch while there are any, then it waits to be woken.

Signal: `wake` (a click was stored). It is a hint, and a timer looks as well, so a lost signal costs half a minute.

Each batch's result says how many recorders there are to be. When that number changes, a new run takes over its part; a recorder
beyond the number ends, because the others take its clicks.
"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies
    from activities.record_clicks import RecordClicks
    from models.wire.clicks import RecorderInput
    from workflows.signals import signal

LOOK_EVERY = timedelta(seconds=30)
# A run ends after this many batches even if nothing suggests it, so that its history stays readable.
BATCHES_A_RUN = 2_000


@workflow.defn
class ClickRecorder:
    """Workflow id `click-recorder/{shard}`."""

    @workflow.init
    def __init__(self, start: RecorderInput) -> None:
        self._start = start
        self._woken = False
        self._signals = 0
        self._batches = 0
        self._recorded = 0

    @signal
    def wake(self) -> None:
        self._woken = True

    @workflow.run
    async def run(self, start: RecorderInput) -> None:
        while True:
            self._woken = False  # before the look, so that a click that is stored meanwhile wakes it again
            remaining = await self._record()
            if self._start.shard >= self._start.shards:
                return
            # Nothing awaits between this and the next run, which begins with a look: a wake here is not lost.
            if self._start != start or self._must_continue():
                workflow.continue_as_new(self._start)
            if not remaining:
                await self._wait()

    async def _record(self) -> bool:
        result = await workflow.execute_activity_method(
            RecordClicks.record_clicks, self._start, summary=f"shard {self._start.shard}", **policies.QUICK
        )
        self._batches += 1
        if result.shards is not None:
            self._start = RecorderInput(shard=self._start.shard, shards=result.shards)
        recorded = result.recorded
        self._recorded += recorded
        workflow.set_current_details(f"{self._recorded} clicks recorded in this run, {recorded} in the last batch")
        return result.remaining

    async def _wait(self) -> None:
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=LOOK_EVERY, timeout_summary="look without being woken")
        except TimeoutError:
            return

    def _must_continue(self) -> bool:
        suggested = workflow.info().is_continue_as_new_suggested()
        return suggested or self._signals >= policies.MAX_SIGNALS or self._batches >= BATCHES_A_RUN
