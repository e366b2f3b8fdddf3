"""Starts workflows for rows that are committed. "Already started" is a fact, not an error.

Used by the API right after its commit, by the signal delivery for follow-ups, and by the sweeper for whatever those left.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel
from temporalio.client import Client
from temporalio.common import (
    Priority,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from models import starts, wire
from models.database import Database

AT_ONCE = 10
ONE_PERSON, BULK = 3, 4
"""Temporal's priority keys: somebody who waits for an answer goes before a bulk of work."""

Start = wire.EnrollmentInput | wire.CampaignInput | wire.ImportInput


class Starter:
    """Holds the pool and the Temporal client of its process."""

    def __init__(self, database: Database, client: Client) -> None:
        self._database = database
        self._client = client

    async def start_enrollments(self, ids: Sequence[UUID]) -> int:
        """Starts the queued enrollments among `ids`; how many now have a workflow."""
        async with self._database.transaction() as session:
            waiting = await starts.enrollments_to_start(session, ids)
        gate = asyncio.Semaphore(AT_ONCE)

        async def start(start: wire.EnrollmentInput, summary: str) -> None:
            async with gate:
                workflow_id = wire.enrollment_workflow_id(start.org_id, start.enrollment_id)
                await self._start("SequenceEnrollment", workflow_id, start, summary)

        await asyncio.gather(*(start(*each) for each in waiting))
        async with self._database.transaction() as session:
            await starts.mark_enrollments_started(session, [each.start.enrollment_id for each in waiting])
        return len(waiting)

    async def start_campaign(self, org_id: UUID, campaign_id: UUID) -> None:
        async with self._database.transaction() as session:
            name = await starts.campaign_name(session, campaign_id)
        started = wire.CampaignInput(org_id=org_id, campaign_id=campaign_id)
        await self._start("CampaignLaunch", wire.campaign_workflow_id(org_id, campaign_id), started, name, BULK)
        async with self._database.transaction() as session:
            await starts.mark_campaign_started(session, campaign_id)

    async def start_import(self, org_id: UUID, import_id: UUID) -> None:
        started = wire.ImportInput(org_id=org_id, import_id=import_id)
        await self._start("ContactImport", wire.import_workflow_id(org_id, import_id), started, "Contacts from a file", BULK)
        async with self._database.transaction() as session:
            await starts.mark_import_started(session, import_id)

    async def start_forever(self, workflow: str, workflow_id: str, argument: BaseModel) -> None:
        """Make sure that one of the platform's own endless workflows runs, and looks now: a look brings it the worker's settings,
        and one that runs already has `argument` of an earlier start. One that waits on another queue, as earlier versions started
        it, is replaced: all it knows is in the database."""
        is_elsewhere = await self._queue(workflow_id) not in (None, wire.PLATFORM_QUEUE)
        await self._client.start_workflow(
            workflow,
            argument,
            id=workflow_id,
            task_queue=wire.PLATFORM_QUEUE,
            id_conflict_policy=(
                WorkflowIDConflictPolicy.TERMINATE_EXISTING if is_elsewhere else WorkflowIDConflictPolicy.USE_EXISTING
            ),
            start_signal="wake",
        )

    async def _queue(self, workflow_id: str) -> str | None:
        """Of the run that is going on or was the last one; None: there is none."""
        try:
            return (await self._client.get_workflow_handle(workflow_id).describe()).task_queue
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def ring_sweeper(self) -> None:
        """There are rows to start: do not wait for the sweeper's timer. A lost ring costs one sweep interval."""
        await self._client.get_workflow_handle(wire.SWEEPER_WORKFLOW_ID).signal("wake")

    async def _start(self, workflow: str, workflow_id: str, argument: Start, summary: str, priority: int = ONE_PERSON) -> None:
        try:
            await self._client.start_workflow(
                workflow,
                argument,
                id=workflow_id,
                task_queue=wire.WORKFLOW_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=_search_attributes(argument),
                priority=Priority(priority_key=priority, fairness_key=str(argument.org_id)),
                static_summary=_cut(summary),
            )
        except WorkflowAlreadyStartedError:
            return


def _cut(summary: str) -> str:
    """Temporal refuses summaries of more than 200 bytes."""
    return summary.encode()[:200].decode(errors="ignore")


def _search_attributes(argument: Start) -> TypedSearchAttributes:
    fields = {"org_id": "OrgId", "campaign_id": "CampaignId", "sequence_id": "SequenceId", "contact_id": "ContactId"}
    values = {"Stage": "running", **{name: getattr(argument, field, None) for field, name in fields.items()}}
    return TypedSearchAttributes(
        [SearchAttributePair(SearchAttributeKey.for_keyword(name), str(value)) for name, value in values.items() if value]
    )
