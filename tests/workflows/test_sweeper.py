"""The sweeper: by its timer, and at once when it is rung."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.sweep_signals import SweepSignals
from activities.sweep_starts import SweepStarts
from models.base import now
from models.commands.command import CommandKind
from models.wire.names import SweepPart
from models.wire.sweeper import SweeperInput, SweepRequest, SweepResult
from services.commands.deliver import CommandDelivery
from services.commands.issue import issue
from services.deliver_signals import SignalDelivery
from services.starter import Starter
from tests.clicks import rows
from tests.sending import Sending
from workflows import sweeper
from workflows.sweeper import Sweeper

INTERVAL = timedelta(minutes=10)


class Sweeps:
    """Remembers each sweep: was it rung for? `rings`: so many signals come during the first one. `interval` is the worker's
    setting. The first `left` sweeps leave work undone."""

    def __init__(self, rings: int = 0, interval: timedelta | None = None, left: int = 0) -> None:
        self.left = left
        self.interval = interval
        self.woken: list[bool] = []
        self.rings = rings

    @activity.defn
    async def sweep_starts(self, request: SweepRequest) -> SweepResult:
        self.woken.append(request.woken)
        handle = activity.client().get_workflow_handle(activity.info().workflow_id or "")
        for _ in range(self.rings):
            await handle.signal(Sweeper.wake)
        self.rings = 0
        self.left -= 1
        return SweepResult(interval=self.interval, more=self.left >= 0)


@asynccontextmanager
async def running(environment: WorkflowEnvironment, sweeps: Sweeps) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """Ended at the end of the block, or its timers would go on with the clock that all tests share."""
    queue = f"sweeper-{uuid4()}"
    worker = Worker(
        environment.client,
        task_queue=queue,
        workflows=[Sweeper],
        activities=[sweeps.sweep_starts],
        max_cached_workflows=0,
        workflow_runner=UnsandboxedWorkflowRunner(),  # so that the workflow sees what a test has changed in its module
    )
    async with worker:
        start = SweeperInput(part="starts", interval=INTERVAL)
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


async def test_a_sweep_that_leaves_work_undone_is_followed_by_another_at_once(skipping: WorkflowEnvironment) -> None:
    sweeps = Sweeps(left=2)
    async with running(skipping, sweeps):
        await skipping.sleep(INTERVAL * 0.5)
    assert sweeps.woken == [False] * 3


async def test_ten_thousand_starts_and_a_temporal_that_takes_none_of_them_do_not_hold_up_a_stop(
    temporal: Client, simulated: Sending
) -> None:
    """With the sweepers as a worker runs them, on real servers: the start at work never ends, and the command arrives."""
    database, starting = simulated.database, asyncio.Event()

    class Stuck(Starter):
        async def _start(self, *_: Any) -> None:
            starting.set()
            await asyncio.Event().wait()

    (contact,) = await simulated.contacts()
    enrollment = await simulated.enrollment(contact)
    await simulated.change(enrollment, start_due_at=now() + timedelta(days=1))
    async with database.transaction() as session:
        await session.execute(text(TEN_THOUSAND_MORE), {"id": enrollment.id})
    commands, clicks = CommandDelivery(database, temporal), SignalDelivery(database, temporal)
    activities = [SweepSignals(commands, clicks).sweep_signals, SweepStarts(database, Stuck(database, temporal)).sweep_starts]
    queue = f"sweepers-{uuid4()}"
    async with Worker(temporal, task_queue=queue, workflows=[Sweeper], activities=activities):
        parts: list[SweepPart] = ["starts", "signals"]
        starts, signals = [
            await temporal.start_workflow(
                Sweeper.run, SweeperInput(part=part, interval=INTERVAL), id=f"{queue}/{part}", task_queue=queue
            )
            for part in parts
        ]
        async with asyncio.timeout(60):
            await starting.wait()
            async with database.transaction() as session:
                await issue(session, simulated.org_id, enrollment.id, CommandKind.STOP)
            await signals.signal(Sweeper.wake)
            while await rows(database, "SELECT outcome FROM command") != ["no_workflow"]:  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.01)
        await asyncio.gather(starts.terminate(), signals.terminate())
    assert await rows(database, "SELECT count(*) FROM enrollment WHERE workflow_started_at IS NULL") == [10_001]


TEN_THOUSAND_MORE = """
INSERT INTO enrollment (id, org_id, sequence_id, sequence_version_id, contact_id,
    cause, variables, re_entry, state, step_run, created_at,
    start_due_at, start_attempts)
SELECT gen_random_uuid(), org_id, sequence_id, sequence_version_id, contact_id, 'request', '{}', 'always', state, 0,
    now(), now(), 0
FROM enrollment CROSS JOIN generate_series(1, 10000) WHERE id = :id
"""
