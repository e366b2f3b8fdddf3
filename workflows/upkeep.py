"""What is done once a day for the whole installation: partitions are made ahead, old clicks are removed, and what is empty then
is dropped. The schedule `upkeep` starts it (`services/process/upkeep_schedule.py`)."""

from collections.abc import Awaitable, Sequence

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies
    from activities.upkeep import Upkeep as UpkeepActivities
    from models.wire.upkeep import KeptPartitions, RetiredClicks, UpkeepResult

MOST_SLICES = 600
"""Slices of a minute in one run: ten hours of removing, and a history of 3,600 events. The next day goes on."""


@workflow.defn
class Upkeep:
    """Workflow ids `upkeep-TIME`, one each day."""

    @workflow.init
    def __init__(self) -> None:
        self._clicks = 0
        self._unfinished: list[str] = []

    @workflow.run
    async def run(self) -> UpkeepResult:
        making = workflow.execute_activity_method(UpkeepActivities.make_partitions, **policies.PARTITIONS)
        made = await self._kept("partitions ahead", making)
        for _ in range(MOST_SLICES):
            if not (await self._retire()).more:
                break
        dropping = workflow.execute_activity_method(UpkeepActivities.drop_partitions, **policies.PARTITIONS)
        dropped = await self._kept("empty partitions", dropping)
        return UpkeepResult(made=made, dropped=dropped, clicks=self._clicks, unfinished=self._unfinished)

    async def _retire(self) -> RetiredClicks:
        retired = await workflow.execute_activity_method(UpkeepActivities.retire_clicks, summary="old clicks", **policies.SWEEP)
        self._clicks += retired.clicks
        workflow.set_current_details(f"{self._clicks} old clicks removed")
        return retired

    async def _kept(self, what: str, work: Awaitable[KeptPartitions]) -> Sequence[str]:
        """What fails too often is left to the next run, so that it does not hold up the rest of this one."""
        try:
            return (await work).names
        except ActivityError:
            self._unfinished.append(what)
            return ()
