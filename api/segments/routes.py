"""Segments: saved filters on contacts, and who is in them now."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.contacts.routes import ContactView
from api.handling.request import Heavy, Idempotent, OrganizationDep, PeopleQuery, SessionDep, area
from api.http.paging import Listing, Page, PageDep
from api.segments.views import (
    EngagementRequest,
    SegmentChange,
    SegmentCreate,
    SegmentDetail,
    SegmentPreview,
    SegmentPreviewRequest,
    SegmentUseView,
    SegmentView,
)
from models.base import now
from models.campaigns.campaign import get_campaign
from models.contacts.contact import Contact
from models.paging import PageRequest
from models.segments.definition import Condition, as_json, read_definition
from models.segments.people import count_people, newest_people
from models.segments.segment import Segment, add_once, delete_segment, get_segment, list_segments, uses_of
from models.texts.text import Name
from services.segments.check import check_segment
from services.segments.engagement import segment_of

router = area("segments")

FIRST_PAGE = PageRequest()


@router.post("/segments", status_code=201, dependencies=[Idempotent, Heavy], summary="Create a segment")
async def create(session: SessionDep, caller: OrganizationDep, body: SegmentCreate) -> SegmentDetail:
    """A saved filter, with the number of contacts that fit now and the first page of them."""
    await check_segment(session, caller.id, body.definition)
    row = Segment(org_id=caller.id, name=body.name, definition=as_json(body.definition))
    session.add(row)
    await session.flush()
    return await segment_detail(session, row)


@router.get("/segments", summary="List segments")
async def list_all(
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    name: Annotated[
        Name | None, Query(description="A part of the name, in small or capital letters.", examples=["customers"])
    ] = None,
) -> Page[SegmentView]:
    """Segments, newest first, without counting who is in them."""
    rows, after = await list_segments(session, caller.id, page, name)
    return Page(items=[SegmentView.model_validate(row) for row in rows], next_cursor=page.next_cursor(after))


@router.post("/segments/preview", dependencies=[Heavy], summary="Preview a segment")
async def preview_one(session: SessionDep, caller: OrganizationDep, body: SegmentPreviewRequest) -> SegmentPreview:
    """The number and the first page of the contacts that fit a definition now. Saves nothing."""
    await check_segment(session, caller.id, body.definition)
    count, people, _ = await _people(session, caller.id, body.definition)
    return SegmentPreview(count=count, contacts=_views(people))


@router.get("/segments/{segment_id}", dependencies=[Heavy], summary="Get a segment")
async def get_one(session: SessionDep, caller: OrganizationDep, segment_id: UUID, people: PeopleQuery = True) -> SegmentDetail:
    """One segment, with the number of contacts that fit now and the first page of them."""
    return await segment_detail(session, await get_segment(session, caller.id, segment_id), people)


@router.patch("/segments/{segment_id}", dependencies=[Heavy], summary="Change a segment")
async def change(session: SessionDep, caller: OrganizationDep, segment_id: UUID, body: SegmentChange) -> SegmentDetail:
    """Change the given fields. Campaigns that are launched already keep the definition that the segment had then."""
    row = await get_segment(session, caller.id, segment_id, lock=True)
    if body.definition is not None:
        await check_segment(session, caller.id, body.definition)
        row.definition = as_json(body.definition)
    row.name, row.updated_at = body.name or row.name, now()
    await session.flush()
    return await segment_detail(session, row)


@router.delete("/segments/{segment_id}", status_code=204, summary="Delete a segment")
async def delete(session: SessionDep, caller: OrganizationDep, segment_id: UUID) -> None:
    """Delete the filter, not its contacts. 409 while a draft campaign or a trigger uses it; `detail` names them."""
    await delete_segment(session, await get_segment(session, caller.id, segment_id, lock=True))


@router.get("/segments/{segment_id}/contacts", dependencies=[Heavy], summary="List a segment's contacts")
async def list_contacts(session: SessionDep, caller: OrganizationDep, segment_id: UUID, page: PageDep) -> Page[ContactView]:
    """Who is in the segment now, newest contacts first."""
    row = await get_segment(session, caller.id, segment_id)
    people, after = await newest_people(session, caller.id, read_definition(row.definition), now(), page)
    return Page(items=_views(people), next_cursor=page.next_cursor(after))


@router.post(
    "/campaigns/{campaign_id}/segments",
    status_code=201,
    responses={200: {"model": SegmentDetail, "description": "There already"}},
    dependencies=[Idempotent, Heavy],
    summary="Make a segment of a campaign",
)
async def create_of_campaign(
    session: SessionDep, caller: OrganizationDep, campaign_id: UUID, body: EngagementRequest, response: Response
) -> SegmentDetail:
    """A segment of those who have clicked a link of the campaign, or who got its message and did not click. 200, and no second
    segment, when the same one of this name is there already."""
    campaign = await get_campaign(session, caller.id, campaign_id)
    row, added = await add_once(session, segment_of(campaign, body.kind, body.name))
    if not added:
        response.status_code = 200
    return await segment_detail(session, row)


async def segment_detail(session: AsyncSession, row: Segment, with_people: bool = True) -> SegmentDetail:
    count, page = await _count_and_page(session, row) if with_people else (None, None)
    uses = [SegmentUseView.model_validate(each) for each in await uses_of(session, row)]
    return SegmentDetail(**SegmentView.model_validate(row).model_dump(by_alias=True), count=count, contacts=page, used_by=uses)


async def _count_and_page(session: AsyncSession, row: Segment) -> tuple[int, Page[ContactView]]:
    count, people, after = await _people(session, row.org_id, read_definition(row.definition))
    listing = Listing.at(f"/v1/segments/{row.id}/contacts")
    return count, Page(items=_views(people), next_cursor=listing.cursor(after.bytes) if after else None)


async def _people(session: AsyncSession, org_id: UUID, definition: Condition) -> tuple[int, list[Contact], UUID | None]:
    at = now()
    count = await count_people(session, org_id, definition, at)
    return count, *await newest_people(session, org_id, definition, at, FIRST_PAGE)


def _views(people: Sequence[Contact]) -> list[ContactView]:
    return [ContactView.model_validate(person) for person in people]
