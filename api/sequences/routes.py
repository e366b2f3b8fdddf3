"""Sequences: a draft that can be edited, and published versions that never change."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.request import Idempotent, OrganizationDep, ServicesDep, SessionDep, area
from api.handling.services import Services
from api.http.paging import Page, PageDep
from api.http.seen import SeenQuery
from api.links.views import link_views
from api.sequences.views import (
    CheckedSequence,
    SequenceChange,
    SequenceCheck,
    SequenceCommon,
    SequenceCreate,
    SequenceDetail,
    SequenceSummary,
    VersionDetail,
    VersionSummary,
)
from models.base import now
from models.errors import FieldError
from models.messages.content import links_of_version
from models.sequences.enrollment import active_enrollments_by_version
from models.sequences.sequence import (
    Sequence,
    SequenceState,
    SequenceVersion,
    current_version,
    get_sequence,
    get_version,
    list_sequences,
    list_versions,
)
from models.sequences.sequence_counts import SequenceCounts, count_sequences
from models.sequences.steps.definition import SequenceDefinition
from models.texts.text import Name
from models.triggers.placed import notify_texts, placed_in_sequence
from models.unchanged import require_unchanged
from services.contents.compile_content import refuse
from services.contents.compile_sends import size_errors
from services.judging.judged_texts import check_messages, check_utm
from services.link_domains.server_hosts import named_addresses, own_address_errors
from services.notifications.check_text import notification_texts_errors
from services.publish import judge_draft, keys_of, notify_steps, publish, sends_of
from services.triggers.check_saved import saved_trigger_errors

router = area("sequences")

VersionNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.post("/sequences", status_code=201, dependencies=[Idempotent], summary="Create a sequence")
async def create(session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: SequenceCreate) -> SequenceDetail:
    """A new draft. Its templates are checked now, its steps as a whole when it is published."""
    wanted = SequenceDefinition(**{name: getattr(body, name) for name in SequenceDefinition.model_fields})
    draft = await _draft(session, services, caller.id, wanted)
    row = Sequence(org_id=caller.id, name=body.name, link_tracking=body.link_tracking, draft=draft)
    _take_rules(row, body)
    session.add(row)
    await session.flush()
    return await _detail(session, row)


@router.get("/sequences", summary="List sequences")
async def list_all(
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    state: SequenceState | None = None,
    name: Annotated[
        Name | None, Query(description="A part of the name, in small or capital letters.", examples=["welcome"])
    ] = None,
) -> Page[SequenceSummary]:
    """Sequences, newest first, each with how many people are in it and have clicked."""
    rows, after = await list_sequences(session, caller.id, state, name, page)
    counts = await count_sequences(session, [row.id for row in rows])
    return Page(items=[_summary(row, counts[row.id]) for row in rows], next_cursor=page.next_cursor(after))


@router.post("/sequences/check", summary="Check a sequence")
async def check(session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: SequenceCheck) -> CheckedSequence:
    """Judge a definition as saving and publishing would, with the same faults together in a 422, and store nothing."""
    saved = await get_sequence(session, caller.id, body.sequence_id) if body.sequence_id else None
    wanted = SequenceDefinition(**{name: getattr(body, name) for name in SequenceDefinition.model_fields})
    before = SequenceDefinition.model_validate(saved.draft) if saved else None
    faults = await _faults(session, services, caller.id, wanted, before)
    draft = wanted.model_dump(mode="json")
    current = await current_version(session, saved) if saved else None
    if not faults and current is not None and current.definition == draft:
        return CheckedSequence(version=current.version, is_new=False)
    row = Sequence(org_id=caller.id, name=body.name, link_tracking=body.link_tracking, draft=draft)
    if saved:
        row.id = saved.id
    await judge_draft(session, services.settings, services.judge, caller, row, faults)
    return CheckedSequence(version=(current.version if current else 0) + 1, is_new=True)


@router.get("/sequences/{sequence_id}", summary="Get a sequence")
async def get_one(session: SessionDep, caller: OrganizationDep, sequence_id: UUID) -> SequenceDetail:
    """One sequence with its draft and the links of its published version."""
    return await _detail(session, await get_sequence(session, caller.id, sequence_id))


@router.patch("/sequences/{sequence_id}", summary="Change a sequence")
async def change(
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    sequence_id: UUID,
    body: SequenceChange,
    seen: SeenQuery = None,
) -> SequenceDetail:
    """Change the draft. Published versions stay as they are."""
    row = await get_sequence(session, caller.id, sequence_id, lock=True)
    require_unchanged(row, seen)
    if body.name is not None:
        row.name = body.name
    if body.model_fields_set & SequenceDefinition.model_fields.keys():
        saved = SequenceDefinition.model_validate(row.draft)
        row.draft = await _draft(session, services, caller.id, _changed(saved, body), saved)
    if "link_tracking" in body.model_fields_set:
        row.link_tracking = body.link_tracking
    _take_rules(row, body)
    row.updated_at = now()
    await session.flush()
    return await _detail(session, row)


@router.post(
    "/sequences/{sequence_id}/publish",
    status_code=201,
    dependencies=[Idempotent],
    responses={200: {"model": VersionDetail}},
    summary="Publish a sequence",
)
async def publish_one(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, sequence_id: UUID, response: Response
) -> VersionDetail:
    """Make the draft the next version, for new enrollments. 200 with the current version when nothing was changed."""
    row = await get_sequence(session, caller.id, sequence_id, lock=True)
    version, is_new = await publish(session, services.settings, services.judge, caller, row)
    if not is_new:
        response.status_code = 200
    return await _version(session, version)


@router.get("/sequences/{sequence_id}/versions", summary="List a sequence's versions")
async def list_all_versions(
    session: SessionDep, caller: OrganizationDep, page: PageDep, sequence_id: UUID
) -> Page[VersionSummary]:
    """Published versions, newest first."""
    sequence = await get_sequence(session, caller.id, sequence_id)
    rows, after = await list_versions(session, sequence, page)
    active = await active_enrollments_by_version(session, sequence_id)
    return Page(items=[_version_summary(row, active) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/sequences/{sequence_id}/versions/{version}", summary="Get a version of a sequence")
async def get_one_version(
    session: SessionDep, caller: OrganizationDep, sequence_id: UUID, version: VersionNumber
) -> VersionDetail:
    """One published version with its steps and links."""
    return await _version(session, await get_version(session, caller.id, sequence_id, version))


def _take_rules(row: Sequence, body: SequenceCreate | SequenceChange) -> None:
    """Takes over what is given of the rules for entering and leaving."""
    for rule in ("leave_on_opt_out", "end_on_reply"):
        if rule in body.model_fields_set:
            setattr(row, rule, getattr(body, rule))
    if "re_entry" in body.model_fields_set:
        row.re_entry = body.re_entry
    if "re_entry_limit" in body.model_fields_set:
        row.re_entry_limit = body.re_entry_limit.model_dump(mode="json") if body.re_entry_limit else None


def _changed(saved: SequenceDefinition, body: SequenceChange) -> SequenceDefinition:
    sources = {name: body if name in body.model_fields_set else saved for name in SequenceDefinition.model_fields}
    return SequenceDefinition(**{name: getattr(source, name) for name, source in sources.items()})


async def _draft(
    session: AsyncSession, services: Services, org_id: UUID, wanted: SequenceDefinition, saved: SequenceDefinition | None = None
) -> dict[str, Any]:
    """Returns the draft as it is stored. Raises Invalid with every fault that shows before its links are known."""
    refuse(await _faults(session, services, org_id, wanted, saved), "The sequence cannot be saved")
    return wanted.model_dump(mode="json")


async def _faults(
    session: AsyncSession, services: Services, org_id: UUID, wanted: SequenceDefinition, saved: SequenceDefinition | None
) -> list[FieldError]:
    """Returns the faults for which the draft cannot be saved. The texts of one that is too large are not read."""
    triggers = placed_in_sequence(wanted.steps, wanted.triggers)
    sends = sends_of(wanted.steps, triggers)
    if too_large := size_errors(sends, triggers, services.settings.sequence_text_limit):
        return too_large
    errors = await check_messages(services.judge, org_id, [(send.message, f"{path}.message") for path, send in sends.items()])
    texts = {f"{path}.text": step.text for path, step in notify_steps(wanted.steps).items()} | notify_texts(triggers)
    errors += await notification_texts_errors(services.judge, org_id, texts)
    addresses = [each for path, send in sends.items() for each in named_addresses(send.message, f"{path}.message")]
    errors += await own_address_errors(session, services.settings, addresses)
    before = placed_in_sequence(saved.steps, saved.triggers) if saved else []
    errors += await saved_trigger_errors(session, org_id, triggers, before, keys_of(wanted.steps))
    return [*errors, *await check_utm(services.judge, org_id, wanted.utm)]


def _summary(row: Sequence, counts: SequenceCounts) -> SequenceSummary:
    rate = round(counts.people / counts.entered, 4) if counts.entered else None
    return SequenceSummary(**SequenceCommon.model_validate(row).model_dump(), **counts._asdict(), click_rate=rate)


async def _detail(session: AsyncSession, row: Sequence) -> SequenceDetail:
    version = await current_version(session, row)
    return SequenceDetail(
        **SequenceCommon.model_validate(row).model_dump(),
        **_definition(row.draft),
        unpublished_changes=version is None or version.definition != row.draft,
        links=link_views(await links_of_version(session, version.id)) if version else [],
    )


async def _version(session: AsyncSession, version: SequenceVersion) -> VersionDetail:
    summary = _version_summary(version, await active_enrollments_by_version(session, version.sequence_id))
    links = link_views(await links_of_version(session, version.id))
    return VersionDetail(**summary.model_dump(), **_definition(version.definition), links=links)


def _definition(stored: dict[str, Any]) -> dict[str, Any]:
    return {name: stored[name] for name in SequenceDefinition.model_fields}


def _version_summary(version: SequenceVersion, active: Mapping[UUID, int]) -> VersionSummary:
    return VersionSummary.model_validate(version).model_copy(update={"active_enrollments": active.get(version.id, 0)})
