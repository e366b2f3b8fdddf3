"""Starts workflows for rows that are committed. "Already started" is a fact, not an error.

It is used by the API right after its commit, by the signal delivery for follow-ups, and by the sweeper for whatever those left.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import structlog
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

from models.campaigns.campaign import Campaign
from models.campaigns.starts import campaign_name
from models.contacts import import_queue as contact_import_queue
from models.contacts.imports import ContactImport
from models.database import Database
from models.sequences.enrollment import Enrollment
from models.sequences.progress import close_enrollment
from models.sequences.starts import EnrollmentStart, enrollments_to_start
from models.start import NeedsWorkflow, mark_one_started, mark_started, postpone_starts
from models.texts.temporal_text import attribute, escaped, summary
from models.wire.campaigns import CampaignInput
from models.wire.enrollments import EnrollmentInput, Plan
from models.wire.imports import ImportInput
from models.wire.names import (
    BULK,
    CAMPAIGN,
    IMPORT_QUEUE,
    ONE_PERSON,
    PLATFORM_QUEUE,
    WORKFLOW_QUEUE,
    Stage,
    SweepPart,
    campaign_workflow_id,
    enrollment_workflow_id,
    import_workflow_id,
    sweeper_workflow_id,
)
from safe_errors import describe
from services.away import ATTEMPTS, is_away
from services.published import PublishedVersions
from services.signalling import RPC_TIMEOUT, attempt_all

log = structlog.get_logger()

AT_ONCE = 10

Start = EnrollmentInput | CampaignInput | ImportInput


class Shown(NamedTuple):
    """What the Temporal UI shows of a workflow from its start. `names` are search attributes that are text and not ids. `details`
    say what has started it, when that was a trigger."""

    stage: Stage | None
    summary: str
    names: Mapping[str, str | None] = {}
    details: str | None = None


class Starter:
    """Holds the pool and the Temporal client of its process."""

    def __init__(self, database: Database, client: Client) -> None:
        self._database = database
        self._client = client
        self._versions = PublishedVersions(database)

    async def start_enrollments(self, ids: Sequence[UUID], priority: int = ONE_PERSON) -> int:
        """Starts the queued enrollments among `ids`, those of a bulk with the priority `BULK`. Returns how many now have a
        workflow; a start that fails is due again later."""
        async with self._database.transaction() as session:
            waiting = await enrollments_to_start(session, ids)

        async def start(each: EnrollmentStart) -> None:
            published = await self._versions.get(each.enrollment.sequence_version_id)
            argument, workflow_id = _enrollment_input(each, published.plan), enrollment_workflow_id(each.enrollment.id)
            await self._start("SequenceEnrollment", workflow_id, argument, _shown(each, argument.plan), priority)

        results = await attempt_all(waiting, start, AT_ONCE)
        started = await self._record(Enrollment, {each.enrollment.id: result for each, result in results})
        await self._end_bugs({each.enrollment.id: error for each, error in results if error is not None and _is_bug(error)})
        return started

    async def _end_bugs(self, bugs: Mapping[UUID, Exception]) -> None:
        """An enrollment that can never be started does not stay queued for ever: its tenth failed start ends it. For example, its
        version cannot be read, or Temporal refuses what the workflow is started with."""
        for row_id, error in bugs.items():
            async with self._database.transaction() as session:
                row = await session.get_one(Enrollment, row_id)
                if row.workflow_started_at is None and row.start_attempts >= ATTEMPTS:
                    await close_enrollment(session, row_id, "failed", f"gave up after {ATTEMPTS} starts: {describe(error)}")

    async def start_campaign(self, org_id: UUID, campaign_id: UUID) -> bool:
        """Returns False when the start has failed; it is due again later."""
        async with self._database.transaction() as session:
            name = await campaign_name(session, campaign_id)
        started = CampaignInput(org_id=org_id, campaign_id=campaign_id)
        shown = Shown("sending", escaped(name), {"Campaign": name})

        async def start(_: UUID) -> None:
            await self._start("CampaignLaunch", campaign_workflow_id(campaign_id), started, shown, CAMPAIGN)

        return await self._record(Campaign, dict(await attempt_all([campaign_id], start))) == 1

    async def start_next_import(self, org_id: UUID) -> bool:
        """Starts the organization's oldest waiting import, unless one is running. Returns False when nothing was started."""
        async with self._database.transaction() as session:
            import_id = await contact_import_queue.claim_next_import(session, org_id)
        if import_id is None:
            return False
        started = ImportInput(org_id=org_id, import_id=import_id)
        shown = Shown("importing", "Contacts from a file")

        async def start(_: UUID) -> None:
            await self._start("ContactImport", import_workflow_id(import_id), started, shown, BULK)

        return await self._record(ContactImport, dict(await attempt_all([import_id], start))) == 1

    async def _record(self, table: type[NeedsWorkflow], results: Mapping[UUID, Exception | None]) -> int:
        """Returns how many were started."""
        failed = {row_id: error for row_id, error in results.items() if error is not None}
        async with self._database.transaction() as session:
            held = await mark_started(session, table, [row_id for row_id in results if row_id not in failed])
            await postpone_starts(session, table, list(failed))
        for row_id in held:
            async with self._database.transaction() as session:
                await mark_one_started(session, table, row_id)
        for row_id, error in list(failed.items())[:1]:
            kind = table.__tablename__
            log.warning("workflows are started later", kind=kind, count=len(failed), example=str(row_id), error=error)
        return len(results) - len(failed)

    async def start_forever(self, workflow: str, workflow_id: str, argument: BaseModel) -> None:
        """Makes sure that one of the platform's own endless workflows runs, and lets it look now. A look brings it the worker's
        settings, because a workflow that runs already has the `argument` of an earlier start. A workflow that waits on another
        queue, as earlier versions started it, is replaced, because everything it knows is in the database."""
        is_elsewhere = await self._queue(workflow_id) not in (None, PLATFORM_QUEUE)
        await self._client.start_workflow(
            workflow,
            argument,
            id=workflow_id,
            task_queue=PLATFORM_QUEUE,
            id_conflict_policy=(
                WorkflowIDConflictPolicy.TERMINATE_EXISTING if is_elsewhere else WorkflowIDConflictPolicy.USE_EXISTING
            ),
            start_signal="wake",
        )

    async def _queue(self, workflow_id: str) -> str | None:
        """Returns the queue of the run that is in progress or was the last one, or None when there is no run."""
        try:
            return (await self._client.get_workflow_handle(workflow_id).describe()).task_queue
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def ring_sweeper(self, part: SweepPart = "starts") -> None:
        """Tells the sweeper that there is work, so that it does not wait for its timer. If this signal is lost, the work waits
        for one sweep interval."""
        await self._client.get_workflow_handle(sweeper_workflow_id(part)).signal("wake", rpc_timeout=RPC_TIMEOUT)

    async def _start(self, workflow: str, workflow_id: str, argument: Start, shown: Shown, priority: int = ONE_PERSON) -> None:
        try:
            await self._client.start_workflow(
                workflow,
                argument,
                id=workflow_id,
                task_queue=IMPORT_QUEUE if isinstance(argument, ImportInput) else WORKFLOW_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=_search_attributes(argument, shown),
                priority=Priority(priority_key=priority, fairness_key=str(argument.org_id)),
                static_summary=summary(shown.summary),
                static_details=summary(shown.details) if shown.details else None,
                rpc_timeout=RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return


def _is_bug(error: Exception) -> bool:
    return not (is_away(error) or isinstance(error, RuntimeError))  # raised by a client that has never reached its server


def _enrollment_input(each: EnrollmentStart, plan: Plan) -> EnrollmentInput:
    """With the name that the sequence has now."""
    same = ("org_id", "sequence_id", "sequence_version_id", "contact_id", "campaign_id")
    ids = {name: getattr(each.enrollment, name) for name in same}
    return EnrollmentInput(**ids, enrollment_id=each.enrollment.id, plan=plan.model_copy(update={"name": each.sequence}))


def _shown(each: EnrollmentStart, plan: Plan) -> Shown:
    names = {"Sequence": each.sequence, "Campaign": each.campaign, "TriggerKey": each.trigger}
    text = f"{escaped(each.sequence)} version {plan.version}: contact {each.enrollment.contact_id}"
    by = _trigger(each)
    return Shown(None, f"{text}, {by}" if by else text, names, by)


def _trigger(each: EnrollmentStart) -> str | None:
    """Names the trigger, the link, and the campaign or sequence that have enrolled the contact."""
    if each.trigger is None:
        return None
    link = f", link {escaped(each.link)}" if each.link else ""
    campaign = f", campaign {escaped(each.campaign)}" if each.campaign else ""
    origin = f", sequence {escaped(each.origin)}" if each.origin else ""
    return f"by the trigger {escaped(each.trigger)}{link}{campaign}{origin}"


def _search_attributes(argument: Start, shown: Shown) -> TypedSearchAttributes:
    fields = {"OrgId": "org_id", "CampaignId": "campaign_id", "SequenceId": "sequence_id", "ContactId": "contact_id"}
    ids = {name: str(found) for name, field in fields.items() if (found := getattr(argument, field, None))}
    names = {name: attribute(text) for name, text in shown.names.items() if text}
    values = {**({"Stage": shown.stage} if shown.stage else {}), **ids, **names}
    return TypedSearchAttributes(
        [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in values.items()]
    )
