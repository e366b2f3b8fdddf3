"""Enrollments: one contact's way through a sequence. Start, look, stop."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api.paging import Page, PageDep
from api.request import PATIENCE, Idempotent, OrganizationDep, ServicesDep, SessionDep, after_commit, area
from api.services import Services
from api.workflow_links import workflow_ui_url
from models.enrollment import (
    ACTIVE,
    Enrollment,
    EnrollmentFilter,
    EnrollmentState,
    EnrollResult,
    enroll,
    get_enrollment,
    list_enrollments,
    request_stop,
    stop_without_workflow,
)
from models.errors import Conflict, ConflictCode, Unavailable
from models.known_ids import require_known
from models.sequence import current_version, get_sequence
from models.text import Text
from models.wire import StopSignal, enrollment_workflow_id
from settings import Settings

router = area("enrollments")

# So many workflows are started before the answer; the sweeper starts the rest (docs/performance.md says how fast).
STARTED_AT_ONCE = 20


ENROLL_EXAMPLE: JsonDict = {"contact_ids": ["0198c0de-0000-7000-8000-000000000001"]}


class EnrollRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [ENROLL_EXAMPLE]})

    contact_ids: list[UUID] = Field(min_length=1, max_length=4000)


class EnrolledContact(BaseModel):
    """`enrollment_id`: the new one, or the one that is still running; null for an unknown contact."""

    model_config = ConfigDict(from_attributes=True)

    contact_id: UUID
    result: EnrollResult
    enrollment_id: UUID | None


class EnrollAnswer(BaseModel):
    """`results` has one entry for each of `contact_ids`, in their order."""

    enrolled: int
    already_enrolled: int
    unknown_contact: int
    results: list[EnrolledContact]


class EnrollmentView(BaseModel):
    """`step_key` and `visit` (the running number of the step) say where the contact is; `due_at`, until when it waits there."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    sequence_id: UUID
    sequence_version_id: UUID
    contact_id: UUID
    campaign_id: UUID | None = Field(description="Set for the follow-up of a campaign's link click trigger.")
    state: EnrollmentState
    step_key: str | None = Field(examples=["wait_for_offer"])
    visit: int
    due_at: datetime | None
    outcome: str | None = Field(examples=["completed"])
    workflow_id: str
    temporal_ui_url: str | None
    created_at: datetime
    finished_at: datetime | None


class StopRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Asked by phone to be left alone"}]})

    reason: Text = Field("stopped by request", min_length=1, max_length=200)


NO_REASON_GIVEN = StopRequest()


def enrollment_filter(
    sequence_id: UUID | None = None,
    contact_id: UUID | None = None,
    campaign_id: Annotated[UUID | None, Query(description="Follow-ups of this campaign.")] = None,
    state: EnrollmentState | None = None,
) -> EnrollmentFilter:
    return EnrollmentFilter(sequence_id, contact_id, campaign_id, state)


@router.post("/sequences/{sequence_id}/enrollments", status_code=202, dependencies=[Idempotent])
async def enroll_contacts(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, sequence_id: UUID, body: EnrollRequest
) -> EnrollAnswer:
    """Enroll up to 4,000 contacts in the published version. A contact is in a sequence at most once at a time."""
    sequence = await get_sequence(session, caller.id, sequence_id)
    version = await current_version(session, sequence)
    if version is None:
        raise Conflict(ConflictCode.SEQUENCE_DRAFT, "The sequence is a draft: publish it first.")
    results = await enroll(session, caller.id, version.id, sequence_id, body.contact_ids)
    new = [each.enrollment_id for each in results if each.result == EnrollResult.ENROLLED and each.enrollment_id]
    after_commit(request, lambda: _start(services, new))
    counts = {result.value: sum(each.result == result for each in results) for result in EnrollResult}
    return EnrollAnswer(**counts, results=[EnrolledContact.model_validate(each) for each in results])


@router.get("/enrollments")
async def list_all(
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    page: PageDep,
    wanted: Annotated[EnrollmentFilter, Depends(enrollment_filter)],
) -> Page[EnrollmentView]:
    """Enrollments, newest first."""
    await require_known(session, caller.id, wanted)
    rows, after = await list_enrollments(session, caller.id, wanted, page)
    return Page(items=[_view(services.settings, row) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/enrollments/{enrollment_id}")
async def get_one(session: SessionDep, caller: OrganizationDep, services: ServicesDep, enrollment_id: UUID) -> EnrollmentView:
    """Where one contact is in the sequence."""
    return _view(services.settings, await get_enrollment(session, caller.id, enrollment_id))


@router.post("/enrollments/{enrollment_id}/stop", status_code=202, responses={503: {"description": "Temporal is away."}})
async def stop(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, enrollment_id: UUID, body: StopRequest = NO_REASON_GIVEN
) -> EnrollmentView:
    """No further step and no further message for this contact: only what is being sent in this moment still arrives.

    The state is `stopped` as soon as the workflow has noticed. 409 when it is over.
    """
    row = await get_enrollment(session, caller.id, enrollment_id, lock=True)
    if row.state not in ACTIVE:
        raise Conflict(ConflictCode.ENROLLMENT_OVER, f"The enrollment is over already: it is {row.state}.")
    await request_stop(session, row)
    if not await _signal_stop(services.temporal, row, body.reason):
        await stop_without_workflow(session, row, body.reason)
    return _view(services.settings, row)


async def _start(services: Services, ids: Sequence[UUID]) -> None:
    await services.starter.start_enrollments(ids[:STARTED_AT_ONCE])
    if len(ids) > STARTED_AT_ONCE:
        await services.starter.ring_sweeper()


async def _signal_stop(temporal: Client, row: Enrollment, reason: str) -> bool:
    """False when there is no running workflow: not started yet, ended in this moment, or terminated by hand.

    A request does not look at `workflow_started_at`, which is written after the start: a workflow that is there is told.
    """
    workflow = temporal.get_workflow_handle(enrollment_workflow_id(row.org_id, row.id))
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await workflow.signal("stop", StopSignal(reason=reason), rpc_timeout=PATIENCE)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise _temporal_is_away() from error
    except (RuntimeError, TimeoutError) as error:  # RuntimeError: a lazy client that cannot connect
        raise _temporal_is_away() from error
    return True


def _temporal_is_away() -> Unavailable:
    return Unavailable("Temporal does not answer, so the enrollment could not be told to stop. Send the request again later.")


def _view(settings: Settings, row: Enrollment) -> EnrollmentView:
    workflow_id = enrollment_workflow_id(row.org_id, row.id)
    same = {name: getattr(row, name) for name in EnrollmentView.model_fields if name in Enrollment.model_fields}
    url = workflow_ui_url(settings, workflow_id if row.workflow_started_at else None)
    return EnrollmentView(**same, workflow_id=workflow_id, temporal_ui_url=url)
