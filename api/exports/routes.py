"""Exports of clicks, messages and enrollments, with the contacts in their rows: CSV or JSON lines, as many as there are."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.callers.access import needed_role
from api.callers.caller import find_caller
from api.exports.options import ExportOptions, OptionsDep
from api.exports.stream import PAGE_PATIENCE, ExportResponse, write_lines
from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.handling.services import Services
from api.messages.routes import message_filter
from api.reports.clicks import click_conditions
from api.sequences.enrollments import enrollment_filter, require_enrollment_filter
from models.exports import clicks as exported_clicks
from models.exports.enrollments import ENROLLMENTS
from models.exports.export import Export, ExportPage, read_page
from models.exports.messages import MESSAGES
from models.messages.message import MessageFilter
from models.reports.click_feed import ClickFilter
from models.reports.known_ids import require_known, require_tag
from models.sequences.enrollment import EnrollmentFilter
from models.texts.text import Text

router = area("exports")

FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows, and a last line that says where to go on.",
        "content": {"text/csv": {"schema": {"type": "string"}}, "application/x-ndjson": {"schema": {"type": "string"}}},
    }
}
LONGEST_REST = 1.0
"""Seconds. Behind each page, exports rest for as long as it took, so that they leave PostgreSQL to others half of the time."""
Tag = Annotated[Text | None, Query(description="Of contacts who have this tag now.")]
ClickFilterDep = Annotated[ClickFilter, Depends(click_conditions)]
MessageFilterDep = Annotated[MessageFilter, Depends(message_filter)]
EnrollmentFilterDep = Annotated[EnrollmentFilter, Depends(enrollment_filter)]


@router.get("/exports/clicks", summary="Export clicks", responses=FILE, response_class=StreamingResponse)
async def clicks(  # noqa: PLR0913, RUF100 - one argument for each thing that is asked
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    options: OptionsDep,
    wanted: ClickFilterDep,
) -> ExportResponse:
    """Clicks of people, oldest first, each with its link, place, device and contact; `?verdict=all` has those of machines too.

    The last line has the `cursor` behind which the next export goes on, and says whether this one is `complete`. One that was
    broken off goes on behind the id of its last whole row. 429 when two exports of the organization are at work.
    """
    await _require_filters(session, caller.id, wanted, wanted.tag)
    given, also = dict(_given(wanted)), tuple[str, ...]()
    if wanted.link_id is not None:
        owner, also = await exported_clicks.of_link(session, wanted.link_id)
        given = {**owner, **given}
    export = await options.of(session, exported_clicks.CLICKS, caller, given, also)
    return await _answer(request, session, services, options, export)


@router.get("/exports/messages", summary="Export messages", responses=FILE, response_class=StreamingResponse)
async def messages(  # noqa: PLR0913, RUF100
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    options: OptionsDep,
    wanted: MessageFilterDep,
    tag: Tag = None,
) -> ExportResponse:
    """Messages, oldest first, each with its state, what the provider reported, and the contact; without their texts.

    The last line and the errors are as in the export of clicks.
    """
    await _require_filters(session, caller.id, wanted, tag)
    export = await options.of(session, MESSAGES, caller, {**_given(wanted), "tag": tag})
    return await _answer(request, session, services, options, export)


@router.get("/exports/enrollments", summary="Export enrollments", responses=FILE, response_class=StreamingResponse)
async def enrollments(  # noqa: PLR0913, RUF100
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    options: OptionsDep,
    wanted: EnrollmentFilterDep,
    tag: Tag = None,
) -> ExportResponse:
    """Enrollments, oldest first, each with the step where it is, its outcome and the contact.

    The last line and the errors are as in the export of clicks.
    """
    await require_enrollment_filter(session, caller.id, wanted)
    await _require_filters(session, caller.id, wanted, tag)
    export = await options.of(session, ENROLLMENTS, caller, {**_given(wanted), "tag": tag})
    return await _answer(request, session, services, options, export)


async def _require_filters(session: AsyncSession, org_id: UUID, wanted: object, tag: str | None) -> None:
    """Raises NotFound, with the field, for an id and for a tag that the organization does not have."""
    await require_known(session, org_id, wanted)
    if tag is not None:
        await require_tag(session, org_id, tag)


def _given(wanted: object) -> Mapping[str, Any]:
    """The filters, without the period, which `ExportOptions` has."""
    return {name: value for name, value in vars(wanted).items() if value is not None and name not in ("since", "until")}


async def _answer(
    request: Request, session: AsyncSession, services: Services, options: ExportOptions, export: Export
) -> ExportResponse:
    """The first page is read before the answer begins, so what is wrong with the question is a problem document. Later pages have
    transactions of their own, each of which looks for the key again, because it may have been revoked meanwhile."""
    services.export_turns.require_room(export.org_id)
    first = await read_page(session, export, options.after)
    needed = needed_role(f"exports.{export.source.table}s")

    async def next_page(after: UUID) -> ExportPage:
        begun = monotonic()
        async with services.export_pages:
            async with services.database.transaction(PAGE_PATIENCE) as own:
                await find_caller(request, own, needed)
                page = await read_page(own, export, after)
            await asyncio.sleep(min(monotonic() - begun, LONGEST_REST))
        return page

    lines = write_lines(export, first, options.after, next_page)
    return ExportResponse(export.org_id, services.export_turns, f"{export.source.table}s", export.format, lines)
