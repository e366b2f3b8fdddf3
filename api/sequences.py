"""Sequences: a draft that can be edited, and published versions that never change."""

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.compile_content import refuse, template_errors, utm_errors
from api.links import link_views
from api.paging import Page, PageDep
from api.publish import publish
from api.request import Idempotent, OrganizationDep, SessionDep, area
from api.sequence_models import SequenceChange, SequenceCreate, SequenceDetail, SequenceSummary, VersionDetail, VersionSummary
from models.base import now
from models.content import links_of_version
from models.sequence import (
    Sequence,
    SequenceState,
    SequenceVersion,
    current_version,
    get_sequence,
    get_version,
    list_sequences,
    list_versions,
)
from models.steps import SendStep, SequenceDefinition, Step, Utm

router = area("sequences")

VersionNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.post("/sequences", status_code=201, dependencies=[Idempotent])
async def create(session: SessionDep, caller: OrganizationDep, body: SequenceCreate) -> SequenceDetail:
    """A new draft. Its templates are checked now, its steps as a whole when it is published."""
    draft = _draft(body.steps, body.utm, body.utm_overwrite)
    row = Sequence(org_id=caller.id, name=body.name, link_tracking=body.link_tracking, draft=draft)
    session.add(row)
    await session.flush()
    return await _detail(session, row)


@router.get("/sequences")
async def list_all(
    session: SessionDep, caller: OrganizationDep, page: PageDep, state: SequenceState | None = None
) -> Page[SequenceSummary]:
    """Sequences, newest first."""
    rows, after = await list_sequences(session, caller.id, state, page)
    return Page(items=[SequenceSummary.model_validate(row) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/sequences/{sequence_id}")
async def get_one(session: SessionDep, caller: OrganizationDep, sequence_id: UUID) -> SequenceDetail:
    """One sequence with its draft and the links of its published version."""
    return await _detail(session, await get_sequence(session, caller.id, sequence_id))


@router.patch("/sequences/{sequence_id}")
async def change(session: SessionDep, caller: OrganizationDep, sequence_id: UUID, body: SequenceChange) -> SequenceDetail:
    """Change the draft. Published versions stay as they are."""
    row = await get_sequence(session, caller.id, sequence_id, lock=True)
    if body.name is not None:
        row.name = body.name
    if body.model_fields_set & {"steps", "utm", "utm_overwrite"}:
        saved = SequenceDefinition.model_validate(row.draft)
        draft = saved.model_copy(update=body.model_dump(include={"utm_overwrite"}, exclude_unset=True))
        utm = body.utm if "utm" in body.model_fields_set else saved.utm
        row.draft = _draft(body.steps or draft.steps, utm, draft.utm_overwrite)
    if "link_tracking" in body.model_fields_set:
        row.link_tracking = body.link_tracking
    row.updated_at = now()
    await session.flush()
    return await _detail(session, row)


@router.post(
    "/sequences/{sequence_id}/publish", status_code=201, dependencies=[Idempotent], responses={200: {"model": VersionDetail}}
)
async def publish_one(session: SessionDep, caller: OrganizationDep, sequence_id: UUID, response: Response) -> VersionDetail:
    """Make the draft the next version, for new enrollments. 200 with the current version when nothing was changed."""
    row = await get_sequence(session, caller.id, sequence_id, lock=True)
    version, is_new = await publish(session, row)
    if not is_new:
        response.status_code = 200
    return await _version(session, version)


@router.get("/sequences/{sequence_id}/versions")
async def list_all_versions(
    session: SessionDep, caller: OrganizationDep, page: PageDep, sequence_id: UUID
) -> Page[VersionSummary]:
    """Published versions, newest first."""
    sequence = await get_sequence(session, caller.id, sequence_id)
    rows, after = await list_versions(session, sequence, page)
    return Page(items=[VersionSummary.model_validate(row) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/sequences/{sequence_id}/versions/{version}")
async def get_one_version(
    session: SessionDep, caller: OrganizationDep, sequence_id: UUID, version: VersionNumber
) -> VersionDetail:
    """One published version with its steps and links."""
    return await _version(session, await get_version(session, caller.id, sequence_id, version))


def _draft(steps: Iterable[Step], utm: Utm | None, utm_overwrite: bool) -> dict[str, Any]:
    """As it is stored; Invalid with every template that is wrong."""
    errors = [
        error
        for place, step in enumerate(steps)
        if isinstance(step, SendStep)
        for error in template_errors(step.message, f"steps[{place}].message")
    ]
    refuse([*errors, *utm_errors(utm)], "The sequence cannot be saved")
    return SequenceDefinition(steps=tuple(steps), utm=utm, utm_overwrite=utm_overwrite).model_dump(mode="json")


async def _detail(session: AsyncSession, row: Sequence) -> SequenceDetail:
    version = await current_version(session, row)
    return SequenceDetail(
        **SequenceSummary.model_validate(row).model_dump(),
        **_definition(row.draft),
        unpublished_changes=version is None or version.definition != row.draft,
        links=link_views(await links_of_version(session, version.id)) if version else [],
    )


async def _version(session: AsyncSession, version: SequenceVersion) -> VersionDetail:
    summary = VersionSummary.model_validate(version)
    links = link_views(await links_of_version(session, version.id))
    return VersionDetail(**summary.model_dump(), **_definition(version.definition), links=links)


def _definition(stored: dict[str, Any]) -> dict[str, Any]:
    return {"steps": stored["steps"], "utm": stored.get("utm"), "utm_overwrite": stored.get("utm_overwrite", False)}
