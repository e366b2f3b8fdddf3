"""Finds what a crash or an outage left undone and does it: rows without a workflow, signals that were not delivered."""

from datetime import timedelta

from temporalio import activity

from activities.deliver_signals import SignalDelivery
from activities.heartbeats import beating
from activities.starter import Starter
from models import idempotency, starts
from models.database import Database
from models.wire import SweepRequest, SweepResult

BATCH = 200


class Sweep:
    """`interval`: until the next sweep, told to the sweeper with every one; None: as before."""

    def __init__(self, database: Database, starter: Starter, signals: SignalDelivery, interval: timedelta | None = None) -> None:
        self._database = database
        self._starter = starter
        self._signals = signals
        self._interval = interval

    @activity.defn
    async def sweep(self, request: SweepRequest) -> SweepResult:
        grace = timedelta(0) if request.woken else starts.GRACE
        async with beating():
            return SweepResult(
                enrollments=await self._start_enrollments(grace),
                campaigns=await self._start_campaigns(),
                imports=await self._start_imports(),
                signals=await self._signals.sweep(),
                expired_keys=await self._forget_idempotency_keys(),
                interval=self._interval,
            )

    async def _start_enrollments(self, grace: timedelta) -> int:
        """Batch after batch."""
        started = 0
        while True:
            async with self._database.transaction() as session:
                waiting = await starts.unstarted_enrollments(session, BATCH, grace)
            if not waiting:
                return started
            started += await self._starter.start_enrollments(waiting)

    async def _start_campaigns(self) -> int:
        async with self._database.transaction() as session:
            waiting = await starts.unstarted_campaigns(session)
        for org_id, campaign_id in waiting:
            await self._starter.start_campaign(org_id, campaign_id)
        return len(waiting)

    async def _start_imports(self) -> int:
        async with self._database.transaction() as session:
            waiting = await starts.unstarted_imports(session)
        for org_id, import_id in waiting:
            await self._starter.start_import(org_id, import_id)
        return len(waiting)

    async def _forget_idempotency_keys(self) -> int:
        async with self._database.transaction() as session:
            return await idempotency.forget_expired(session)
