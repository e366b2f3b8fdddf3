"""The worker role runs its coroutine and reports when Temporal knows it."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

import structlog
import uvloop
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from stack.state import READY_FILE

log = structlog.get_logger()

_POLL = 0.2
_RENEW = 10.0


def run(
    main: Callable[[], Coroutine[None, None, None]], connect: Callable[[], Awaitable[Client]], queue: str, var_dir: Path
) -> None:
    """Runs `main()`, which ends at SIGTERM and SIGINT. While Temporal lists this process as a poller of `queue`, its process id
    is written to `var_dir/worker.ready` every ten seconds. `up` waits for that file, and a health check can look at its age."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(main, connect, queue, var_dir))


async def _run(
    main: Callable[[], Coroutine[None, None, None]], connect: Callable[[], Awaitable[Client]], queue: str, var_dir: Path
) -> None:
    announcement = asyncio.create_task(_announce(connect, queue, var_dir))
    try:
        await main()
    finally:
        announcement.cancel()
        await asyncio.gather(announcement, return_exceptions=True)
        await asyncio.sleep(0.05)  # a process that ends at once can abort in the client's threads


async def _announce(connect: Callable[[], Awaitable[Client]], queue: str, var_dir: Path) -> None:
    ready = var_dir / READY_FILE
    with contextlib.suppress(OSError):  # a worker on another machine may have no VAR_DIR
        ready.unlink()  # left by an earlier worker, which may have had the same process id in its container
    client = await connect()
    while not await _polls(client, queue):  # noqa: ASYNC110 - the event is in another process
        await asyncio.sleep(_POLL)
    log.info("Temporal hands out work to this worker", task_queue=queue)
    while True:
        if await _polls(client, queue):
            with contextlib.suppress(OSError):
                ready.write_text(str(os.getpid()))
        await asyncio.sleep(_RENEW)


async def _polls(client: Client, queue: str) -> bool:
    try:
        return await _is_listed(client, queue)
    except RPCError:
        return False


async def _is_listed(client: Client, queue: str) -> bool:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    found = await client.workflow_service.describe_task_queue(request)
    # Temporal lists pollers for minutes after they are gone. By default their identity is `pid@host`.
    return any(poller.identity.startswith(f"{os.getpid()}@") for poller in found.pollers)
