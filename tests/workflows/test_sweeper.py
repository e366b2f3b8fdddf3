"""The sweeper: by its timer, and at once when it is rung."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from models import wire
from workflows import sweeper
from workflows.sweeper import Sweeper

INTERVAL = timedelta(minutes=10)


class Sweeps:
    """Remembers each sweep: was it rung for? `rings`: so many signals come during the first one. `interval` is the worker's
    setting."""

    def __init__(self, rings: int = 0, interval: timedelta | None = None) -> None:
        self.interval = interval
        self.woken: list[bool] = []
        self.rings = rings

    @activity.defn
    async def sweep(self, request: wire.SweepRequest) -> wire.SweepResult:
        self.woken.append(request.woken)
        handle = activity.client().get_workflow_handle(activity.info().workflow_id or "")
        for _ in range(self.rings):
            await handle.signal(Sweeper.wake)
        self.rings = 0
        return wire.SweepResult(interval=self.interval)


@asynccontextmanager
async def running(environment: WorkflowEnvironment, sweeps: Sweeps) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """Ended at the end of the block, or its timers would go on with the clock that all tests share."""
    queue = f"sweeper-{uuid4()}"
    worker = Worker(
        environment.client,
        task_queue=queue,
        workflows=[Sweeper],
        activities=[sweeps.sweep],
        max_cached_workflows=0,
        workflow_runner=UnsandboxedWorkflowRunner(),  # so that the workflow sees what a test has changed in its module
    )
    async with worker:
        start = wire.SweeperInput(interval=INTERVAL)
        handle = await environment.client.start_workflow(Sweeper.run, start, id=queue, task_queue=queue)
        try:
            yield handle
        finally:
            await environment.client.get_workflow_handle(queue).terminate()


async def test_a_sweep_comes_with_every_interval(skipping: WorkflowEnvironment) -> None:
    sweeps = Sweeps()
    async with running(skipping, sweeps):
        await skipping.sleep(INTERVAL * 3.5)
    assert sweeps.woken == [False] * 4


async def test_an_interval_set_later_counts_from_the_next_sweep_on(skipping: WorkflowEnvironment) -> None:
    sweeps = Sweeps(interval=INTERVAL / 4)
    async with running(skipping, sweeps):
        await skipping.sleep(INTERVAL * 0.6)
    assert len(sweeps.woken) == 3


async def test_a_new_run_keeps_the_interval(skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "SWEEPS_A_RUN", 1)
    sweeps = Sweeps(interval=INTERVAL * 3)
    async with running(skipping, sweeps):
        await skipping.sleep(INTERVAL * 2)
        sweeps.interval = None  # so that only the run's input tells
        await skipping.sleep(INTERVAL * 3)
    assert len(sweeps.woken) == 2


async def test_a_ring_brings_the_next_sweep_at_once(skipping: WorkflowEnvironment) -> None:
    sweeps = Sweeps()
    async with running(skipping, sweeps) as handle:
        await skipping.sleep(INTERVAL * 1.5)
        await handle.signal(Sweeper.wake)
        await skipping.sleep(INTERVAL * 0.5)
    assert sweeps.woken == [False, False, True]


async def test_rings_during_a_sweep_make_one_more(skipping: WorkflowEnvironment) -> None:
    sweeps = Sweeps(rings=3)
    async with running(skipping, sweeps):
        await skipping.sleep(INTERVAL * 0.5)
    assert sweeps.woken == [False, True]


async def test_after_many_sweeps_a_new_run_goes_on(skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "SWEEPS_A_RUN", 2)
    sweeps = Sweeps()
    async with running(skipping, sweeps) as handle:
        await skipping.sleep(INTERVAL * 4.5)
        last_run = (await skipping.client.get_workflow_handle(handle.id).describe()).run_id
    assert len(sweeps.woken) == 5
    assert last_run != handle.first_execution_run_id
