"""The daily upkeep: partitions are made ahead and dropped, and clicks that are older than their organization keeps them are
removed.

Everything is safe to repeat at any point. A worker that dies loses at most one small transaction, which is rolled back.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeats import beating
from models.base import now
from models.clicks.retention import retire_clicks
from models.database import Database, Patience
from models.organizations.retention import Retention, retentions
from models.platform.partitioned import PARTITIONED, Keep, Partitioned
from models.wire.upkeep import KeptPartitions, RetiredClicks

log = structlog.get_logger()

BATCH = 1_000
"""Clicks that are removed in one transaction, which takes some tenths of a second."""
SLICE = 60.0
"""Seconds after which the activity ends and the workflow asks for the next one, so that its progress is seen."""
PATIENCE = Patience(lock=5, statement=30, idle=30)


class Upkeep:
    def __init__(self, database: Database, partitioned: Sequence[Partitioned] = PARTITIONED) -> None:
        self._database = database
        self._partitioned = partitioned

    @activity.defn
    async def make_partitions(self) -> KeptPartitions:
        return await self._keep([(each.table, each.make) for each in self._partitioned])

    @activity.defn
    async def drop_partitions(self) -> KeptPartitions:
        return await self._keep([(each.table, each.drop) for each in self._partitioned])

    @activity.defn
    async def retire_clicks(self) -> RetiredClicks:
        """Takes one small batch of every organization that has old clicks, then the next one of each, so that a large one holds
        up nobody. Between two batches it rests for as long as the batch took."""
        end, begun, clicks = monotonic() + SLICE, now(), 0
        async with beating():
            async with self._database.transaction(PATIENCE) as session:
                waiting = await retentions(session)
            while waiting and monotonic() < end:
                left: list[Retention] = []
                for each in waiting:
                    if monotonic() >= end:
                        left.append(each)
                        continue
                    retired = await self._retire(each.org_id, begun - each.kept)
                    clicks += retired
                    if retired == BATCH:
                        left.append(each)
                waiting = left
        return RetiredClicks(clicks=clicks, more=bool(waiting))

    async def _retire(self, org_id: UUID, before: datetime) -> int:
        """Returns 0 for an organization whose clicks cannot be removed now; the next day tries again."""
        started = monotonic()
        try:
            async with self._database.transaction(PATIENCE) as session:
                retired = await retire_clicks(session, org_id, before, BATCH)
        except SQLAlchemyError as error:
            log.warning("old clicks could not be removed", org_id=str(org_id), error=error)
            return 0
        if retired:
            await asyncio.sleep(monotonic() - started)
        return retired

    async def _keep(self, work: Sequence[tuple[str, Keep]]) -> KeptPartitions:
        """A table whose partitions cannot be made does not hold up the others."""
        names, failed, at = list[str](), list[str](), now()
        async with beating():
            for table, keep in work:
                try:
                    names += await keep(self._database, at)
                except SQLAlchemyError as error:
                    log.warning("partitions were not kept", table=table, error=error)
                    failed.append(table)
        if failed:
            raise ApplicationError(f"the partitions of {', '.join(failed)} could not be kept", type="PartitionsNotKept")
        return KeptPartitions(names=names)
