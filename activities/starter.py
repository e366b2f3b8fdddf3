"""Starts workflows for rows that are committed. "Already started" is a fact, not an error.

Used by the API right after its commit, by the signal delivery for follow-ups, and by the sweeper for whatever those left.
"""

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

from models import starts, wire
from models.database import Database


class Starter:
    """Holds the pool and the Temporal client of its process."""

    def __init__(self, database: Database, client: Client) -> None:
        self._database = database
        self._client = client

    async def start_enrollments(self, ids: Sequence[UUID]) -> int:
        """Starts the queued enrollments among `ids`; how many now have a workflow."""
        async with self._database.transaction() as session:
            inputs = await starts.enrollments_to_start(session, ids)
        for each in inputs:
            await self._start(
                "SequenceEnrollment", wire.enrollment_workflow_id(each.org_id, each.enrollment_id), each, each.org_id
            )
        async with self._database.transaction() as session:
            await starts.mark_enrollments_started(session, [each.enrollment_id for each in inputs])
        return len(inputs)

    async def start_campaign(self, org_id: UUID, campaign_id: UUID) -> None:
        started = wire.CampaignInput(org_id=org_id, campaign_id=campaign_id)
        await self._start("CampaignLaunch", wire.campaign_workflow_id(org_id, campaign_id), started, org_id, priority=4)
        async with self._database.transaction() as session:
            await starts.mark_campaign_started(session, campaign_id)

    async def start_import(self, org_id: UUID, import_id: UUID) -> None:
        started = wire.ImportInput(org_id=org_id, import_id=import_id)
        await self._start("ContactImport", wire.import_workflow_id(org_id, import_id), started, org_id, priority=4)
        async with self._database.transaction() as session:
            await starts.mark_import_started(session, import_id)

    async def start_forever(self, workflow: str, workflow_id: str, argument: BaseModel | None = None) -> None:
        """Make sure that one of the platform's own endless workflows runs."""
        try:
            await self._client.start_workflow(
                workflow,
                *([argument] if argument is not None else []),
                id=workflow_id,
                task_queue=wire.WORKFLOW_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
        except WorkflowAlreadyStartedError:
            return

    async def ring_sweeper(self) -> None:
        """There are rows to start: do not wait for the sweeper's timer. A lost ring costs one sweep interval."""
        await self._client.get_workflow_handle(wire.SWEEPER_WORKFLOW_ID).signal("wake")

    async def _start(self, workflow: str, workflow_id: str, argument: BaseModel, org_id: UUID, priority: int = 3) -> None:
        try:
            await self._client.start_workflow(
                workflow,
                argument,
                id=workflow_id,
                task_queue=wire.WORKFLOW_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=_search_attributes(argument),
                priority=Priority(priority_key=priority, fairness_key=str(org_id)),
            )
        except WorkflowAlreadyStartedError:
            return


def _search_attributes(argument: BaseModel) -> TypedSearchAttributes:
    fields = {"org_id": "OrgId", "campaign_id": "CampaignId", "sequence_id": "SequenceId", "contact_id": "ContactId"}
    values = {name: getattr(argument, field, None) for field, name in fields.items()}
    return TypedSearchAttributes(
        [SearchAttributePair(SearchAttributeKey.for_keyword(name), str(value)) for name, value in values.items() if value]
    )
