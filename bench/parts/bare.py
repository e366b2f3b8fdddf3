"""The least that a wait for a click can cost on a Temporal server: a workflow with two empty activities, a signal and a time
limit, and nothing of ours.

    TEMPORAL_ADDRESS=… TEMPORAL_NAMESPACE=… python -m bench.parts.bare

runs the worker, with the settings of Linkwake's own, until it is terminated. It writes `ready`, then reads how many workflows the
next round has, one number a line, and writes `ready` again. It writes `waiting` when as many wait for their click, after their
first activity, and `over` when as many have done their second.
"""

import asyncio
import os
import sys
from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

    from settings import Settings
    from stack.children.priority import step_back
    from stack.roles.garbage import collect_rarely
    from stack.up import WORKER_NICENESS
    from temporal_client import connect
    from worker import GIVE_WAY, WORKFLOW_TASKS

QUEUE = "bare"
ACTIVITIES = 20
"""At a time, as in Linkwake's workers that send."""
LIMIT = timedelta(seconds=30)


class Progress:
    """Says when all of a round wait, and when all are over. A workflow that is replayed counts once."""

    def __init__(self) -> None:
        self._expected = 0
        self._seen: dict[str, set[str]] = {}

    def expect(self, count: int) -> None:
        self._expected, self._seen = count, {"waiting": set(), "over": set()}

    def count(self, what: str, workflow_id: str) -> None:
        seen = self._seen[what]
        if workflow_id not in seen:
            seen.add(workflow_id)
            if len(seen) == self._expected:
                print(what, flush=True)


PROGRESS = Progress()


@workflow.defn
class Bare:
    def __init__(self) -> None:
        self._clicked = False

    @workflow.signal
    def click(self) -> None:
        self._clicked = True

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("hello", start_to_close_timeout=LIMIT)
        PROGRESS.count("waiting", workflow.info().workflow_id)
        await workflow.wait_condition(lambda: self._clicked, timeout=timedelta(hours=1))
        await workflow.execute_activity("thanks", start_to_close_timeout=LIMIT)


class Activities:
    """Empty, except that the second one says that its workflow is over."""

    @activity.defn
    async def hello(self) -> None:
        pass

    @activity.defn
    async def thanks(self) -> None:
        PROGRESS.count("over", activity.info().workflow_id or "")


async def main() -> None:
    step_back(os.getpid(), int(WORKER_NICENESS))  # as far as the embedded stack's worker
    activities = Activities()
    worker = Worker(
        await connect(Settings()),
        task_queue=QUEUE,
        workflows=[Bare],
        activities=[activities.hello, activities.thanks],
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        max_concurrent_activities=ACTIVITIES,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    collect_rarely()
    sys.setswitchinterval(GIVE_WAY)
    async with worker:
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            PROGRESS.expect(int(line))
            print("ready", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
