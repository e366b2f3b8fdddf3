"""Enrollments: one contact's way through a sequence. Start, look, stop."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.request import Idempotent, OrganizationDep, ServicesDep, SessionDep, after_commit, area
from api.http.paging import Listing, ListingDep, Page, PageDep, no_cursor
from api.sequences.enrollment_view import EnrollmentView, enrollment_views
from models.base import now
from models.commands.command import CommandKind
from models.contacts.input import Tags
from models.errors import FieldError, Invalid
from models.organizations.limits import Limits
from models.reports.known_ids import require_known
from models.segments.definition import Condition, read_definition
from models.segments.kinds.tags import TagsCondition
from models.segments.people import next_ids
from models.segments.segment import get_segment
from models.sequences.due import next_due
from models.sequences.enroll import EnrollResult, new_enrollments
from models.sequences.enrollment import (
    EnrollmentFilter,
    EnrollmentState,
    get_enrollment,
    list_enrollments,
)
from models.sequences.sequence import get_sequence, require_place
from models.sequences.variables import Variables
from models.texts.moment import Moment
from models.texts.text import Text
from services.commands.handler import Asked
from services.commands.issue import issue
from services.commands.stop import NO_REASON
from services.enroll import enroll_contacts, start

router = area("enrollments")


MOST = 4000
"""The most contacts that one request enrolls."""

ENROLL_EXAMPLE: JsonDict = {"contact_ids": ["0198c0de-0000-7000-8000-000000000001"]}


class EnrollRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [ENROLL_EXAMPLE]})

    contact_ids: list[UUID] | None = Field(None, min_length=1, max_length=MOST)
    tags: Tags | None = Field(None, min_length=1, description="Instead of `contact_ids`: the people who have all of these tags.")
    segment_id: UUID | None = Field(None, description="Instead of `contact_ids`: the people of this segment.")
    limit: int = Field(MOST, ge=1, le=MOST, strict=True, description="The most people of the tags or the segment in one request.")
    cursor: str | None = Field(None, description="`next_cursor` of the answer before, to go on with the same tags or segment.")
    variables: Variables = Field(default_factory=dict, description="Of every enrollment that this request makes.")


class EnrolledContact(BaseModel):
    """`enrollment_id` is the new one. For a contact that the sequence's re-entry rule refuses, it is the one that stood in the
    way. It is null for an unknown contact."""

    model_config = ConfigDict(from_attributes=True)

    contact_id: UUID
    result: EnrollResult
    enrollment_id: UUID | None


class EnrollAnswer(BaseModel):
    """`results` has one entry for each of `contact_ids`, in their order, or for each contact of this page of people."""

    enrolled: int
    already_enrolled: int
    entered_before: int
    too_often: int
    unknown_contact: int
    results: list[EnrolledContact]
    next_cursor: str | None = Field(description="Of tags and segments: send it as `cursor` for the next people; null: no more.")


class DueEnrollments(BaseModel):
    items: list[EnrollmentView] = Field(description="The first one first.")


class StopRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Asked by phone to be left alone"}]})

    reason: Text = Field(NO_REASON, min_length=1, max_length=200)


NO_REASON_GIVEN = StopRequest()


def enrollment_filter(
    sequence_id: UUID | None = None,
    contact_id: UUID | None = None,
    campaign_id: Annotated[UUID | None, Query(description="Follow-ups of this campaign.")] = None,
    state: EnrollmentState | None = None,
    step: Annotated[
        Text | None, Query(description="Key of the step of `sequence_id` where they are.", examples=["wait_for_offer"])
    ] = None,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Number of a version of `sequence_id`.")] = None,
    due_before: Annotated[Moment | None, Query(description="Those whose wait ends before this time.")] = None,
) -> EnrollmentFilter:
    of_sequence = [name for name, value in (("step", step), ("version", version)) if value is not None]
    if of_sequence and sequence_id is None:
        errors = [FieldError(name, "Name the sequence in sequence_id too.") for name in of_sequence]
        raise Invalid("This filter needs another one.", errors)
    return EnrollmentFilter(sequence_id, contact_id, campaign_id, state, step, version, due_before)


async def require_enrollment_filter(session: AsyncSession, org_id: UUID, wanted: EnrollmentFilter) -> None:
    """Raises NotFound for ids that the organization does not have, and for a step or a version that there is not."""
    await require_known(session, org_id, wanted)
    if wanted.sequence_id is not None:
        await require_place(session, wanted.sequence_id, wanted.step, wanted.version)


@router.post(
    "/sequences/{sequence_id}/enrollments", status_code=202, dependencies=[Idempotent], summary="Enroll contacts in a sequence"
)
async def create(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    listing: ListingDep,
    sequence_id: UUID,
    body: EnrollRequest,
) -> EnrollAnswer:
    """Enroll up to 4,000 contacts in the published version: those that are named, or the next ones with tags or of a segment.

    The sequence's `re_entry` and `re_entry_limit` say who can be enrolled again, however the contact was enrolled before:
    `already_enrolled`, `entered_before` and `too_often` are those who cannot. With `tags` or a `segment_id`, send the request
    again with the answer's `next_cursor` as `cursor` until it is null. When nobody has the tags, `results` is empty. Whoever has
    opted out is enrolled too, and their messages are left out.
    """
    limits = Limits.of(services.settings, caller.limits)
    people, next_cursor = await _people(session, caller.id, listing, body)
    key_id = request.state.key.id
    results = await enroll_contacts(session, limits, services.active, caller, sequence_id, people, body.variables, key_id)
    after_commit(request, lambda: start(services.starter, new_enrollments(results)))
    counts = {
        result.value: sum(each.result == result for each in results)
        for result in EnrollResult
        if result in EnrollAnswer.model_fields
    }
    shown = [EnrolledContact.model_validate(each) for each in results]
    return EnrollAnswer(**counts, results=shown, next_cursor=next_cursor)


async def _people(
    session: AsyncSession, org_id: UUID, listing: Listing, body: EnrollRequest
) -> tuple[Sequence[UUID], str | None]:
    """Returns whom to enroll, and where the tags or the segment go on, if they do."""
    if [body.contact_ids, body.tags, body.segment_id].count(None) != 2:
        raise Invalid.field("contact_ids", "Give one of contact_ids, tags and segment_id.")
    if body.contact_ids is not None:
        return body.contact_ids, None
    source, definition = await _source(session, org_id, body)
    after = None
    if body.cursor is not None:
        position = listing.position(body.cursor, 32)
        if position[:16] != source:
            raise no_cursor()
        after = UUID(bytes=position[16:])
    people = await next_ids(session, org_id, definition, now(), after, body.limit + 1)
    more = len(people) > body.limit
    people = people[: body.limit]
    return people, listing.cursor(source + people[-1].bytes) if more else None


async def _source(session: AsyncSession, org_id: UUID, body: EnrollRequest) -> tuple[bytes, Condition]:
    """Returns 16 bytes that name the people, so that no cursor goes on with others, and the condition that they fulfil."""
    if body.segment_id is not None:
        segment = await get_segment(session, org_id, body.segment_id)
        return body.segment_id.bytes, read_definition(segment.definition)
    tags = body.tags or []
    return sha256(json.dumps(sorted(tags)).encode()).digest()[:16], TagsCondition(kind="tags", has="all", tags=tags)


@router.get("/enrollments", summary="List enrollments")
async def list_all(
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    page: PageDep,
    wanted: Annotated[EnrollmentFilter, Depends(enrollment_filter)],
) -> Page[EnrollmentView]:
    """Enrollments, newest first."""
    await require_enrollment_filter(session, caller.id, wanted)
    rows, after = await list_enrollments(session, caller.id, wanted, page)
    return Page(items=await enrollment_views(session, services.settings, rows), next_cursor=page.next_cursor(after))


@router.get("/sequences/{sequence_id}/due", summary="List who goes on next")
async def due(
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    sequence_id: UUID,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Those in this version alone.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="The most enrollments.")] = 10,
) -> DueEnrollments:
    """The enrollments whose wait is over first, with until when it lasts: `due_at`."""
    await get_sequence(session, caller.id, sequence_id)
    await require_place(session, sequence_id, None, version)
    rows = await next_due(session, sequence_id, version, limit)
    return DueEnrollments(items=await enrollment_views(session, services.settings, rows))


@router.get("/enrollments/{enrollment_id}", summary="Get an enrollment")
async def get_one(session: SessionDep, caller: OrganizationDep, services: ServicesDep, enrollment_id: UUID) -> EnrollmentView:
    """Where one contact is in the sequence."""
    row = await get_enrollment(session, caller.id, enrollment_id)
    return (await enrollment_views(session, services.settings, [row]))[0]


@router.post("/enrollments/{enrollment_id}/stop", status_code=202, summary="Stop an enrollment")
async def stop(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    enrollment_id: UUID,
    body: StopRequest = NO_REASON_GIVEN,
) -> EnrollmentView:
    """No further step and no further message for this contact: only what is being sent in this moment still arrives.

    The answer means that this holds, also while Temporal is away. The state is `stopped` as soon as the workflow has noticed. 409
    when the enrollment is over. Of several requests the first one counts, with its reason or without one.
    """
    row, command = await issue(session, caller.id, enrollment_id, CommandKind.STOP, Asked(body.reason))
    if command is not None:
        after_commit(request, lambda: services.commands.deliver([command]))
    return (await enrollment_views(session, services.settings, [row]))[0]
