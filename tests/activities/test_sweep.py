"""What a crash or an outage left is found: rows without a workflow, signals, keys nobody needs any more."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities import heartbeats
from activities import sweep as module
from activities.starter import Starter
from activities.sweep import Sweep
from models import wire
from models.base import now
from models.campaign import Campaign, CampaignState
from models.contact_import import ContactImport
from models.database import Database
from models.enrollment import Enrollment, EnrollmentState
from models.idempotency import IdempotencyKey
from tests.sending import Sending

LONG_AGO = timedelta(hours=1)


class NoSignals:
    """The delivery of signals has tests of its own."""

    async def sweep(self) -> int:
        return 3


@pytest.fixture
def sweep(database: Database, temporal: Client) -> Sweep:
    return Sweep(database, Starter(database, temporal), NoSignals())  # type: ignore[arg-type] # stands in for SignalDelivery


async def run(sweep: Sweep, woken: bool = False) -> wire.SweepResult:
    return await ActivityEnvironment().run(sweep.sweep, wire.SweepRequest(woken=woken))


async def left(sending: Sending, age: timedelta = LONG_AGO, state: EnrollmentState = EnrollmentState.QUEUED) -> Enrollment:
    """An enrollment without a workflow."""
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    await sending.change(enrollment, created_at=now() - age, state=state)
    return enrollment


async def started(database: Database, enrollment_id: UUID) -> bool:
    async with database.transaction() as session:
        return (await session.get_one(Enrollment, enrollment_id)).workflow_started_at is not None


async def test_an_enrollment_that_ended_without_a_workflow_is_left_alone(sweep: Sweep, simulated: Sending) -> None:
    enrollment = await left(simulated, state=EnrollmentState.STOPPED)
    assert (await run(sweep)).enrollments == 0
    assert not await started(simulated.database, enrollment.id)


async def test_a_row_of_this_moment_is_left_to_the_request_that_made_it(sweep: Sweep, simulated: Sending) -> None:
    enrollment = await left(simulated, age=timedelta(0))
    assert (await run(sweep)).enrollments == 0
    assert (await run(sweep, woken=True)).enrollments == 1
    assert await started(simulated.database, enrollment.id)


async def test_draft_campaigns_are_left_alone(sweep: Sweep, simulated: Sending) -> None:
    campaign = await simulated.campaign()
    await simulated.change(campaign, state=CampaignState.DRAFT, launched_at=None)
    assert (await run(sweep)).campaigns == 0


async def test_enrollments_are_started_batch_after_batch(
    sweep: Sweep, simulated: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    enrollments = [await left(simulated) for _ in range(5)]
    assert (await run(sweep)).enrollments == 5
    assert all([await started(simulated.database, each.id) for each in enrollments])
    assert (await run(sweep)).enrollments == 0


async def test_a_launched_campaign_without_a_workflow_is_started(sweep: Sweep, simulated: Sending) -> None:
    campaign = await simulated.campaign()
    await simulated.change(campaign, launched_at=now() - LONG_AGO)
    assert (await run(sweep)).campaigns == 1
    async with simulated.database.transaction() as session:
        assert (await session.get_one(Campaign, campaign.id)).workflow_started_at is not None
    assert (await run(sweep)).campaigns == 0


async def test_an_import_without_a_workflow_is_started(sweep: Sweep, simulated: Sending) -> None:
    waiting = ContactImport(org_id=simulated.org_id, csv="phone", total=0, created_at=now() - LONG_AGO)
    await simulated.save(waiting)
    assert (await run(sweep)).imports == 1
    assert (await run(sweep)).imports == 0


async def test_keys_are_forgotten_when_nobody_retries_any_more(sweep: Sweep, simulated: Sending) -> None:
    for key, age in {"new": timedelta(days=6), "old": timedelta(days=8)}.items():
        await simulated.save(IdempotencyKey(org_id=simulated.org_id, key=key, request_hash=b"", created_at=now() - age))
    assert (await run(sweep)).expired_keys == 1


async def test_with_nothing_left_undone_only_signals_are_looked_for(sweep: Sweep) -> None:
    assert await run(sweep) == wire.SweepResult(signals=3)


async def test_a_sweep_is_alive_while_signals_take_their_time(
    database: Database, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", 0)
    beat = asyncio.Event()

    class SlowSignals(NoSignals):
        async def sweep(self) -> int:
            async with asyncio.timeout(20):
                for _ in range(3):
                    beat.clear()
                    await beat.wait()
            return await super().sweep()

    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *_: beat.set()
    slow = Sweep(database, Starter(database, temporal), SlowSignals())  # type: ignore[arg-type]
    assert (await environment.run(slow.sweep, wire.SweepRequest(woken=False))).signals == 3
