"""Starts the workflows that rows still wait for: those that a request left to the sweeper, a crash, or an outage of Temporal."""

from datetime import timedelta
from uuid import UUID

from temporalio import activity

from activities.heartbeats import beating
from models.campaigns.starts import unstarted_campaigns
from models.contacts import import_queue as contact_import_queue
from models.database import Database
from models.sequences.starts import unstarted_enrollments
from models.start import GRACE
from models.wire.names import BULK
from models.wire.sweeper import SweepRequest, SweepResult
from services.starter import Starter

SLICE, SHARE = 200, 100
"""The most enrollments that are started between two looks at campaigns and imports, and the most of them of one organization."""
CAMPAIGNS = 20
ROUNDS = 50
"""The most slices of one sweep, so that its activity ends well within its time."""


class SweepStarts:
    def __init__(self, database: Database, starter: Starter, interval: timedelta | None = None) -> None:
        """`interval` is told to the sweeper with every sweep. Without one it keeps its own."""
        self._database = database
        self._starter = starter
        self._interval = interval

    @activity.defn
    async def sweep_starts(self, request: SweepRequest) -> SweepResult:
        """Starts slice by slice, as long as starts succeed. When none of a slice does, Temporal is away, and the next sweep tries
        again."""
        done = {"enrollments": 0, "campaigns": 0, "imports": 0}
        more = True
        async with beating():
            for _ in range(ROUNDS):
                campaigns, imports = await self._start_campaigns(), await self._start_imports()
                enrollments, more = await self._start_enrollments(timedelta(0) if request.woken else GRACE)
                started = {"enrollments": enrollments, "campaigns": campaigns, "imports": imports}
                done = {kind: count + started[kind] for kind, count in done.items()}
                if not more:
                    break
        return SweepResult(done=done, more=more, interval=self._interval)

    async def _start_enrollments(self, grace: timedelta) -> tuple[int, bool]:
        """Returns how many were started, and whether to go on."""
        async with self._database.transaction() as session:
            waiting = await unstarted_enrollments(session, SLICE, SHARE, grace)
        started = await self._starter.start_enrollments(waiting, BULK) if waiting else 0
        return started, started > 0

    async def _start_campaigns(self) -> int:
        async with self._database.transaction() as session:
            waiting = await unstarted_campaigns(session, CAMPAIGNS)
        return sum([await self._starter.start_campaign(org_id, campaign_id) for org_id, campaign_id in waiting])

    async def _start_imports(self) -> int:
        return sum([await self._starter.start_next_import(org_id) for org_id in await self._organizations_with_imports()])

    async def _organizations_with_imports(self) -> list[UUID]:
        async with self._database.transaction() as session:
            return await contact_import_queue.organizations_to_start(session)
