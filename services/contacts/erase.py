"""Erases a contact: everything that says who the person is goes, and what counters count stays without the person.

The rows are one transaction. After it nothing is sent to the person any more. Then Temporal's runs are deleted, one by one: their
histories hold ids only. Asking again does what a crash or an outage has left.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from models.channels.channel import Medium
from models.consent.consent import ConsentState
from models.consent.current import CurrentAnswer, current_answers
from models.consent.lock import people_at
from models.consent.suppression import SuppressionReason, address_hash
from models.contacts.contact import Contact, get_contact
from models.contacts.erasing import (
    answered_ids,
    earlier_addresses,
    enrollments_of,
    imports_at_work,
    lock_to_erase,
    messages_being_sent,
)
from models.contacts.personal_data import PERSONAL_DATA, WHY, Whose, erase_rows
from models.database import Database
from models.messages.message import MessageKind
from models.sequences.progress import close_enrollment
from models.wire.names import enrollment_workflow_id
from services.consent.suppress import suppress
from services.signalling import TEMPORAL_AWAY

log = structlog.get_logger()

TEMPORAL_SECONDS = 20.0
"""Seconds for which Temporal is asked to delete runs. What is left then is deleted when the erasure is asked for again."""


@dataclass(frozen=True)
class Removed:
    """In how many `rows` of a table something was removed, and what is `kept` of them; null: the rows are gone."""

    table: str
    rows: int
    kept: str | None


@dataclass(frozen=True)
class Receipt:
    """What one call removed. Each of `unfinished` is a sentence that says what is left and what to do."""

    contact_id: UUID
    erased_at: datetime
    removed: Sequence[Removed]
    temporal_runs: int
    unfinished: Sequence[str]


async def erase_contact(database: Database, temporal: Client, org_id: UUID, contact_id: UUID) -> Receipt:
    """Raises NotFound."""
    async with database.transaction() as session:
        await get_contact(session, org_id, contact_id)
        await lock_to_erase(session, org_id, contact_id)
        contact = await session.get_one(Contact, contact_id, populate_existing=True)
        unfinished = await _unfinished(session, org_id, contact_id)
        enrollments = await enrollments_of(session, contact_id)
        for enrollment_id in [each for each, runs in enrollments.items() if runs]:
            await close_enrollment(session, enrollment_id, "stopped", WHY)
        await _keep_refusals(session, contact)
        rows = await erase_rows(session, await whose(session, contact))
        await session.refresh(contact)
        erased_at = contact.erased_at
    assert erased_at is not None  # noqa: S101 - it has just been written
    deleted, error = await _delete_runs(temporal, list(enrollments))
    if error is not None:
        log.warning("runs of an erased contact left", contact_id=str(contact_id), error=error)
        unfinished.append("Temporal did not answer in time, so runs of the contact's enrollments may be left: ask again later.")
    kept = {each.table: each.kept or None for each in PERSONAL_DATA}
    removed = [Removed(table, count, kept[table]) for table, count in rows.items()]
    return Receipt(contact_id, erased_at, removed, deleted, unfinished)


async def whose(session: AsyncSession, contact: Contact) -> Whose:
    now_known = [(medium, address) for medium, address in ((Medium.EMAIL, contact.email), (Medium.SMS, contact.phone)) if address]
    known = {*now_known, *await earlier_addresses(session, contact.org_id, contact.id)}
    hashes = [address_hash(contact.org_id, medium, address) for medium, address in known]
    return Whose(contact.org_id, contact.id, [address for _, address in known], hashes, await answered_ids(session, contact.id))


async def _unfinished(session: AsyncSession, org_id: UUID, contact_id: UUID) -> list[str]:
    found = []
    if count := await messages_being_sent(session, contact_id):
        found.append(f"{count} messages are being sent now, and what their provider answers is kept: ask again in a minute.")
    if count := await imports_at_work(session, org_id):
        found.append(f"{count} imports are at work, whose files may hold the person: ask again when they are over.")
    return found


async def _keep_refusals(session: AsyncSession, contact: Contact) -> None:
    """Messages that somebody did not want are not sent after the erasure either, when an import brings the address back: the
    address is suppressed for them, and of it only a hash stays. An address that another contact has too is that contact's
    matter."""
    answers = await current_answers(session, contact.id)
    for medium, address in ((Medium.EMAIL, contact.email), (Medium.SMS, contact.phone)):
        if not address or await people_at(session, contact.org_id, medium, address) != [contact.id]:
            continue
        for channel_id, kind in _refused([each for each in answers if each.medium == medium]):
            await suppress(
                session, contact.org_id, medium, address, SuppressionReason.OPTED_OUT, channel_id=channel_id, message_kind=kind
            )


def _refused(answers: Sequence[CurrentAnswer]) -> list[tuple[UUID | None, str | None]]:
    """Returns the channels and kinds of messages of one medium that the person did not want, the widest first; None stands for
    all. What a wider one covers is left out."""
    out = {(each.channel_id, each.message_kind) for each in answers if each.state == ConsentState.OPTED_OUT}
    found: list[tuple[UUID | None, str | None]] = []
    for channel_id in sorted({channel_id for channel_id, _ in out}, key=lambda each: (each is not None, str(each))):
        kinds = [kind for kind in MessageKind if (channel_id, kind) in out and (channel_id is None or (None, kind) not in out)]
        if len(kinds) == len(MessageKind):
            found.append((channel_id, None))
        else:
            found += [(channel_id, kind) for kind in kinds]
    return found


async def _delete_runs(temporal: Client, enrollment_ids: Sequence[UUID]) -> tuple[int, Exception | None]:
    """Returns how many runs were deleted, and the error that ended it."""
    deleted = 0
    try:
        async with asyncio.timeout(TEMPORAL_SECONDS):
            for enrollment_id in enrollment_ids:
                workflow_id = enrollment_workflow_id(enrollment_id)
                for run_id in await _runs(temporal, workflow_id):
                    deleted += await _delete_run(temporal, WorkflowExecution(workflow_id=workflow_id, run_id=run_id))
    except (*TEMPORAL_AWAY, TimeoutError) as error:
        return deleted, error
    return deleted, None


async def _runs(temporal: Client, workflow_id: str) -> set[str]:
    """Returns the ids of the runs: those of the list, and the newest one, which may not be in the list yet."""
    found = {run.run_id async for run in temporal.list_workflows(f"WorkflowId = '{workflow_id}'")}
    try:
        found.add((await temporal.get_workflow_handle(workflow_id).describe()).run_id)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
    return found


async def _delete_run(temporal: Client, execution: WorkflowExecution) -> bool:
    """Temporal ends a run that still runs before it deletes it. Returns False when it is gone already."""
    request = DeleteWorkflowExecutionRequest(namespace=temporal.namespace, workflow_execution=execution)
    try:
        await temporal.workflow_service.delete_workflow_execution(request)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True
