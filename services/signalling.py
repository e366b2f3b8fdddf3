"""Telling a workflow something that is in a committed row: what clicks and commands share.

A row is claimed for the time of a lease, its workflow is signalled with the row's id as the request id, and then the row says
what became of it. So two processes may deliver at once: Temporal drops the second signal with the same request id.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from models.wire.base import Wire

Row = TypeVar("Row")
Result = TypeVar("Result")

BATCH = 100
AT_ONCE = 20
RPC_TIMEOUT = timedelta(seconds=4)
"""Seconds for one attempt. They are fewer than a request waits for its work after the commit (5 s), so that a failed attempt is
recorded in time."""
LEASE = timedelta(seconds=40)
"""The time of a lease. It is longer than one batch can take: 100 signals, 20 at a time, 4 s each."""

TEMPORAL_AWAY = (RPCError, RuntimeError)
"""The errors that the client raises when Temporal does not take a call. It is RuntimeError when a lazy client cannot connect."""


async def signal_workflow(client: Client, workflow_id: str, signal: str, argument: Wire, request_id: UUID) -> bool:
    """Returns False when no workflow with this id is running: it is over, was never started or was deleted. Raises one of
    `TEMPORAL_AWAY` when Temporal did not take the signal."""
    payloads = await client.data_converter.encode([argument])
    request = SignalWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=workflow_id),
        signal_name=signal,
        input=Payloads(payloads=payloads),
        identity=client.identity,
        request_id=str(request_id),
    )
    try:
        await client.workflow_service.signal_workflow_execution(request, timeout=RPC_TIMEOUT)
    except RPCError as error:
        if is_gone(error):
            return False
        raise
    return True


def is_gone(error: RPCError) -> bool:
    """Whether Temporal does not know the workflow, or runs it no more. A missing namespace means a wrong setting or a new server,
    and says nothing about the workflow."""
    return error.status == RPCStatusCode.NOT_FOUND and not any(
        detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details
    )


async def attempt_all(
    rows: Sequence[Row], attempt: Callable[[Row], Awaitable[Result]], at_once: int = AT_ONCE
) -> list[tuple[Row, Result | Exception]]:
    """Returns the result of each row, or the error that it raised. An error of one row does not hold up the others."""
    gate = asyncio.Semaphore(at_once)

    async def one(row: Row) -> Result | Exception:
        async with gate:
            try:
                return await attempt(row)
            except Exception as error:
                return error

    return list(zip(rows, await asyncio.gather(*map(one, rows)), strict=True))
