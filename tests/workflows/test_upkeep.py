"""The daily upkeep: slice after slice, and on when a part of it fails too often."""

from uuid import uuid4

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from models.wire.upkeep import KeptPartitions, RetiredClicks, UpkeepResult
from workflows.upkeep import Upkeep


class Activities:
    """`broken`: making partitions fails so often. There is more to remove for the first `slices` times."""

    def __init__(self, broken: int = 0, slices: int = 0) -> None:
        self.broken, self.slices = broken, slices

    @activity.defn
    async def make_partitions(self) -> KeptPartitions:
        self.broken -= 1
        if self.broken >= 0:
            raise ApplicationError("PostgreSQL is away")
        return KeptPartitions(names=["click_p2027_01"])

    @activity.defn
    async def retire_clicks(self) -> RetiredClicks:
        self.slices -= 1
        return RetiredClicks(clicks=10, more=self.slices >= 0)

    @activity.defn
    async def drop_partitions(self) -> KeptPartitions:
        return KeptPartitions(names=["click_p2025_01"])


async def upkeep(environment: WorkflowEnvironment, fakes: Activities) -> UpkeepResult:
    queue = f"upkeep-{uuid4()}"
    activities = [fakes.make_partitions, fakes.retire_clicks, fakes.drop_partitions]
    runner = UnsandboxedWorkflowRunner()
    async with Worker(environment.client, task_queue=queue, workflows=[Upkeep], activities=activities, workflow_runner=runner):
        return await environment.client.execute_workflow(Upkeep.run, id=queue, task_queue=queue)


async def test_it_goes_on_until_nothing_is_left(skipping: WorkflowEnvironment) -> None:
    result = await upkeep(skipping, Activities(broken=3, slices=4))
    wanted = {"made": ["click_p2027_01"], "dropped": ["click_p2025_01"], "clicks": 50, "unfinished": []}
    assert result.model_dump(mode="json") == wanted


async def test_what_fails_too_often_holds_nothing_else_up(skipping: WorkflowEnvironment) -> None:
    result = await upkeep(skipping, Activities(broken=1000))
    assert (result.made, list(result.dropped), result.clicks) == ([], ["click_p2025_01"], 10)
    assert list(result.unfinished) == ["partitions ahead"]
