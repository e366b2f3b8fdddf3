"""The platform's own endless workflows, the sweepers and the recorders: the worker keeps them running, and health names those
that do not run, because somebody terminated, cancelled or deleted them in Temporal."""

import asyncio
from datetime import timedelta
from typing import NamedTuple, get_args

import structlog
from pydantic import BaseModel
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from models.wire.clicks import RecorderInput
from models.wire.names import SweepPart, recorder_workflow_id, sweeper_workflow_id
from models.wire.sweeper import SweeperInput
from services.starter import Starter

log = structlog.get_logger()

LOOK_SECONDS = 15.0
"""Seconds between two looks of a worker: half of the time after which health calls something late."""
RPC_TIMEOUT = timedelta(seconds=2)


class Endless(NamedTuple):
    """`argument` is the input of a new run."""

    workflow: str
    workflow_id: str
    argument: BaseModel


def endless_workflows(recorders: int, sweep_interval: timedelta) -> list[Endless]:
    """Returns all workflows that have to run, with this many recorders."""
    ids = [(shard, recorder_workflow_id(shard)) for shard in range(recorders)]
    return [
        *(
            Endless("Sweeper", sweeper_workflow_id(part), SweeperInput(part=part, interval=sweep_interval))
            for part in get_args(SweepPart)
        ),
        *(Endless("ClickRecorder", each, RecorderInput(shard=shard, shards=recorders)) for shard, each in ids),
    ]


async def start_all(starter: Starter, wanted: list[Endless]) -> None:
    """Starts what is missing, as a worker does at its start. Workflows that run already keep their input until their next look,
    which tells them this worker's settings."""
    for each in wanted:
        await starter.start_forever(*each)


async def not_running(client: Client, wanted: list[Endless]) -> list[Endless]:
    """Returns those that do not run. Temporal is asked for each by its id, because its list is written later than the fact."""
    running = await asyncio.gather(*(_runs(client, each.workflow_id) for each in wanted))
    return [each for each, runs in zip(wanted, running, strict=True) if not runs]


async def keep_running(client: Client, starter: Starter, wanted: list[Endless]) -> None:
    """Runs until it is cancelled: it looks every 15 seconds and starts what does not run. It wakes nothing that does."""
    reached = True
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            missing = await not_running(client, wanted)
            await start_all(starter, missing)
            reached = True
        except Exception as error:  # whatever the error is, the next look may succeed
            if reached:
                log.warning("the endless workflows could not be looked after", error=error)
            reached = False
            continue
        if missing:
            log.warning("endless workflows were gone and are started again", workflows=[each.workflow_id for each in missing])


async def _runs(client: Client, workflow_id: str) -> bool:
    try:
        found = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return found.status == WorkflowExecutionStatus.RUNNING
