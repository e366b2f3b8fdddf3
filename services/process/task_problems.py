"""Finds workflows that repeat a failing task, because of a bug, a signal that cannot be read, or code that does not fit their
history."""

from datetime import timedelta
from uuid import UUID

from temporalio.client import Client

QUERY = "ExecutionStatus = 'Running' AND TemporalReportedProblems IS NOT NULL"
"""The query, which also works in the Temporal UI. The server sets the attribute after some failures of one task in a row, and
removes it when one succeeds."""
RPC_TIMEOUT = timedelta(seconds=2)


async def count_task_problems(client: Client, attribute: str | None = None, value: UUID | None = None) -> int:
    """Returns how many there are, or how many with this search attribute."""
    query = QUERY if attribute is None else problems_query(attribute, value)
    return (await client.count_workflows(query, rpc_timeout=RPC_TIMEOUT)).count


def problems_query(attribute: str, value: UUID | None) -> str:
    return f"{QUERY} AND {attribute} = '{value}'"


def running_query(attribute: str, value: UUID) -> str:
    return f"ExecutionStatus = 'Running' AND {attribute} = '{value}'"


async def count_running(client: Client, attribute: str, value: UUID) -> int:
    """Returns how many workflows with this search attribute run."""
    return (await client.count_workflows(running_query(attribute, value), rpc_timeout=RPC_TIMEOUT)).count
