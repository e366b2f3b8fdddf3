"""Answers why clicks or automation are missing, from the real state. `docs/troubleshooting.md` explains every code."""

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.diagnostics import automation as findings_automation
from api.diagnostics import channels as findings_channels
from api.diagnostics import clicks as findings
from api.diagnostics import consent as findings_consent
from api.diagnostics import operations as findings_operations
from api.diagnostics import steps as findings_steps
from api.diagnostics.automation import VersionFacts, WaitFacts
from api.diagnostics.finding import Finding, Subject
from api.diagnostics.triggers import Asked, Named, of_triggers
from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.handling.services import Services
from api.http.within import within
from models.base import now
from models.campaigns.campaign import Campaign, CampaignState, get_campaign, triggers_of
from models.channels.channel import Channel, list_channels
from models.channels.troubled import troubled_channels, troubled_channels_of
from models.clicks.click import Scope
from models.clicks.partitions import late_partition
from models.conversation.conversation import contact_exists
from models.inbound.inbound_message import count_pending, count_pending_of
from models.notifications.target import failing_targets, targets_by_name
from models.organizations.cascade import link_domain_of
from models.paging import PageRequest
from models.platform.heartbeat import LATE, last_beats
from models.reports.diagnostics import Facts, read_facts, read_organization_facts, read_reasons
from models.reports.texts import LinkOfText, contents_of, links_of
from models.reports.trigger_facts import TriggerFacts, read_trigger_facts
from models.reports.triggers import count_campaign_triggers, count_sequence_triggers
from models.sequences.check import LinkNames, check_sequence, waking_links
from models.sequences.enrollment import active_enrollments_by_version
from models.sequences.sequence import Sequence, SequenceVersion, current_version, get_sequence, sequences_by_id, versions_by_id
from models.sequences.step_count import count_step_runs
from models.sequences.steps.definition import SequenceDefinition
from models.sequences.steps.message import MessageTemplate
from models.sequences.steps.send import SendStep
from models.triggers.placed import placed_in_sequence
from models.triggers.trigger import unpublished
from safe_errors import describe
from services.clicks.geo_locations import GeoLocations, PlacesState
from services.judging.judge import Judge
from services.judging.judged_texts import compiled_message
from services.process.endless import endless_workflows, not_running
from services.process.task_problems import count_task_problems
from services.publish import notify_steps

router = area("diagnostics")

SEVERITIES = ("problem", "warning", "info")
TEMPORAL_SECONDS = 3.0
"""Seconds of silence after which Temporal counts as away, also when it takes a connection and says nothing."""
MOST_FAILING_TARGETS = 5


MOST_TRIGGERS = 200
"""The triggers of a sequence that are looked at, of all versions together."""
ContactQuery = Annotated[
    UUID | None, Query(description="Why did triggers and steps do nothing for this contact? Nothing else is answered then.")
]


class Diagnostics(BaseModel):
    """Problems come first, then warnings, then information. An empty list means that nothing stands in the way."""

    checked_at: datetime
    findings: list[Finding] = Field(description="What was found, each with what to change.")


@router.get("/campaigns/{campaign_id}/diagnostics", summary="Diagnose a campaign")
async def of_campaign(
    campaign_id: UUID, session: SessionDep, caller: OrganizationDep, services: ServicesDep, contact_id: ContactQuery = None
) -> Diagnostics:
    """Why are clicks not showing, why was nothing triggered, why is there no location, why is it wrong?"""
    campaign = await get_campaign(session, caller.id, campaign_id)
    drafts = await _drafts(services.judge, campaign) if campaign.state == CampaignState.DRAFT else []
    triggers = await trigger_findings(session, services, caller.id, Scope.CAMPAIGN, campaign_id, contact_id, drafts)
    if contact_id is not None:
        return _sorted([*triggers, *await _of_contact(session, Scope.CAMPAIGN, campaign_id, contact_id)])
    contents = await contents_of(session, Scope.CAMPAIGN, campaign_id)
    facts = await read_facts(session, Scope.CAMPAIGN, campaign_id, contents)
    links = await links_of(session, Scope.CAMPAIGN, campaign_id)
    live = campaign.state != CampaignState.DRAFT
    sends_more = campaign.state in (CampaignState.DRAFT, CampaignState.SENDING)
    subject = Subject("campaign", caller, campaign.link_tracking, live, bool(links), facts, sends_more)
    late = _is_late(campaign)
    return _sorted(
        [
            *_common(subject, services, campaign.link_domain),
            *findings_channels.troubled(await _channels(session, contents)),
            *findings_automation.trigger(subject, campaign),
            *triggers,
            *findings_automation.work(subject, await _temporal_problem(services, facts, late), late),
            *findings_operations.gone(campaign, facts),
            *findings_operations.failing(await _failing(services, "CampaignId", campaign_id)),
        ]
    )


@router.get("/sequences/{sequence_id}/diagnostics", summary="Diagnose a sequence")
async def of_sequence(
    sequence_id: UUID, session: SessionDep, caller: OrganizationDep, services: ServicesDep, contact_id: ContactQuery = None
) -> Diagnostics:
    """The same questions for a sequence, and: why is it not tracking?"""
    sequence = await get_sequence(session, caller.id, sequence_id)
    triggers = await trigger_findings(session, services, caller.id, Scope.SEQUENCE, sequence_id, contact_id)
    not_done = list(findings_steps.not_done(await count_step_runs(session, sequence_id, contact_id)))
    if contact_id is not None:
        return _sorted([*triggers, *not_done, *await _of_contact(session, Scope.SEQUENCE, sequence_id, contact_id)])
    contents = await contents_of(session, Scope.SEQUENCE, sequence_id)
    facts = await read_facts(session, Scope.SEQUENCE, sequence_id, contents)
    links = await links_of(session, Scope.SEQUENCE, sequence_id)
    current = await current_version(session, sequence)
    subject = Subject("sequence", caller, sequence.link_tracking, sequence.version is not None, bool(links), facts)
    return _sorted(
        [
            *_common(subject, services),
            *findings_channels.troubled(await _channels(session, contents)),
            *findings_automation.waits(subject, await _wait_facts(session, services.judge, sequence, current, links)),
            *triggers,
            *not_done,
            *await _step_targets(session, sequence, current),
            *findings_automation.work(subject, await _temporal_problem(services, facts)),
            *findings_operations.failing(await _failing(services, "SequenceId", sequence_id)),
        ]
    )


@router.get("/diagnostics", summary="Diagnose the organization")
async def of_organization(session: SessionDep, caller: OrganizationDep, services: ServicesDep) -> Diagnostics:
    """What stands in the way of everything that the organization does: roles that are away, work that nobody takes up, workflows
    that fail or were taken away, switches of the whole organization. What one campaign or sequence lacks, its own page says."""
    found = await read_organization_facts(session, caller.id)
    problem = await _temporal_answer(services)
    subject = Subject("organization", caller, None, False, False, found.facts)
    return _sorted(
        [
            *findings_operations.temporal(problem),
            *findings_operations.roles(await last_beats(session), problem),
            *findings_operations.missing([] if problem else await _missing(services)),
            *findings_operations.partition(await late_partition(session, now())),
            *findings.tracking(subject),
            *findings.stuck_clicks(found.facts),
            *findings.metadata(subject, places_state(services)),
            *findings_automation.work(subject, problem),
            *findings_operations.not_started(found.campaigns, found.imports),
            *findings_operations.commands(found.commands, problem),
            *findings_operations.notified(await failing_targets(session, caller.id, MOST_FAILING_TARGETS)),
            *findings_operations.failing(0 if problem else await _failing(services, "OrgId", caller.id)),
            *findings_consent.undecided(await count_pending(session, caller.id)),
            *findings_channels.troubled(await troubled_channels(session, caller.id, findings_channels.MOST_CHANNELS)),
            *findings_channels.refused_callbacks(await list_channels(session, caller.id), services.callbacks.refused_of),
        ]
    )


async def _channels(session: AsyncSession, content_ids: Collection[int]) -> Iterable[Channel]:
    return await troubled_channels_of(session, content_ids, findings_channels.MOST_CHANNELS)


async def _of_contact(session: AsyncSession, scope: Scope, scope_id: UUID, contact_id: UUID) -> list[Finding]:
    """Returns why the contact got no message, and whether somebody has to decide about what the contact wrote."""
    reasons = await read_reasons(session, await contents_of(session, scope, scope_id), contact_id)
    pending = await count_pending_of(session, contact_id)
    return [*findings_consent.refusals(reasons), *findings_consent.left_out(reasons), *findings_consent.undecided(pending)]


async def trigger_findings(
    session: AsyncSession,
    services: Services,
    org_id: UUID,
    scope: Scope,
    scope_id: UUID,
    contact_id: UUID | None,
    drafts: list[TriggerFacts] | None = None,
) -> list[Finding]:
    """Returns what is found about the published triggers, or else about those of a draft, for everybody or for one contact."""
    if contact_id is not None:
        await contact_exists(session, org_id, contact_id)
    of = count_campaign_triggers if scope == Scope.CAMPAIGN else count_sequence_triggers
    counts, _ = await of(session, scope_id, PageRequest(limit=MOST_TRIGGERS))
    facts = drafts or await read_trigger_facts(session, scope, scope_id, counts, contact_id)
    sequences = {each for found in facts for each in found.sequences}
    targets = {each for found in facts for each in found.targets}
    named = Named(await sequences_by_id(session, org_id, sequences), await targets_by_name(session, org_id, targets))
    problem = await _temporal_answer(services) if any(each.waiting for each in facts) else None
    asked = Asked(f"{scope.value}s/{scope_id}", contact_id is not None, bool(drafts), problem)
    return list(of_triggers(facts, named, asked))


async def _drafts(judge: Judge, campaign: Campaign) -> list[TriggerFacts]:
    """Returns the triggers of a campaign that is not launched, with the links of its text that they would listen to."""
    names = await _names(judge, campaign.org_id, campaign.message)
    return [
        TriggerFacts(unpublished(campaign.org_id, each), links=sum(each.link in (None, name) for name in names))
        for each in triggers_of(campaign)
    ]


async def _failing(services: Services, attribute: str, value: UUID) -> int:
    """Returns how many workflows repeat a failing task. It is also 0 while Temporal does not answer."""
    try:
        return await within(TEMPORAL_SECONDS, count_task_problems(services.temporal, attribute, value))
    except Exception:  # whatever the error is, the other findings count
        return 0


async def _missing(services: Services) -> list[str]:
    """Returns the ids of the platform's own workflows that do not run. None are named while Temporal does not answer, which
    is a finding of its own."""
    settings = services.settings
    try:
        wanted = endless_workflows(settings.recorder_shards, settings.sweep_interval)
        missing = await within(TEMPORAL_SECONDS, not_running(services.temporal, wanted))
    except Exception:  # whatever the error is, the other findings count
        return []
    return [each.workflow_id for each in missing]


def _common(subject: Subject, services: Services, own_link_domain: str | None = None) -> Iterable[Finding]:
    places = places_state(services)
    link_domain = link_domain_of(subject.organization, own_link_domain, services.settings.effective_link_domain)
    yield from findings.tracking(subject)
    yield from findings.clicks(subject)
    yield from findings.metadata(subject, places)
    yield from findings.location(subject, places, link_domain)
    yield from findings.delivery(subject)
    yield from findings_consent.refusals(subject.facts.reasons)


def _sorted(found: list[Finding]) -> Diagnostics:
    return Diagnostics(checked_at=now(), findings=sorted(found, key=lambda each: SEVERITIES.index(each.severity)))


def _is_late(campaign: Campaign) -> bool:
    """Whether it was launched a while ago and still has no workflow."""
    launched = campaign.launched_at if campaign.workflow_started_at is None else None
    return launched is not None and launched < now() - LATE


def places_state(services: Services) -> PlacesState:
    """The geo database as this process sees it. The worker, which looks clicks up, has the same setting."""
    return _places_of(services.settings.geo_database).state()


@lru_cache(maxsize=4)
def _places_of(path: Path | None) -> GeoLocations:
    return GeoLocations(path)


async def _temporal_problem(services: Services, facts: Facts, late: bool = False) -> str | None:
    """Asks Temporal only when something waits for it."""
    waits = late or facts.enrollments.not_started or facts.enrollments.overdue or facts.signals.rows
    return await _temporal_answer(services) if waits else None


async def _temporal_answer(services: Services) -> str | None:
    """Returns how Temporal fails, or None when it answers."""
    try:
        healthy = await within(TEMPORAL_SECONDS, services.temporal.service_client.check_health())
    except Exception as error:  # whatever the error is, the answer is that Temporal does not answer
        return describe(error)
    return None if healthy else "it says that it is not serving"


async def _names(judge: Judge, org_id: UUID, message: dict[str, Any] | MessageTemplate) -> list[str | None]:
    """Returns the links of a text that is not compiled yet, and no links when it is not valid."""
    try:
        compiled, _ = await compiled_message(judge, org_id, MessageTemplate.model_validate(message), "message")
    except ValidationError:
        return []
    return compiled.names if compiled else []


async def _wait_facts(
    session: AsyncSession, judge: Judge, sequence: Sequence, current: SequenceVersion | None, links: list[LinkOfText]
) -> WaitFacts:
    if current is None:
        draft = SequenceDefinition.model_validate(sequence.draft)
        names = await _draft_names(judge, sequence.org_id, draft)
        return WaitFacts([_version_facts(None, 0, draft, names)], draft_differs=False)
    active = await active_enrollments_by_version(session, sequence.id)
    versions = await versions_by_id(session, {current.id, *active})
    facts = [_published_facts(version, active.get(version.id, 0), links) for version in versions]
    return WaitFacts(facts, draft_differs=current.definition != sequence.draft)


def _published_facts(version: SequenceVersion, active: int, links: list[LinkOfText]) -> VersionFacts:
    definition = SequenceDefinition.model_validate(version.definition)
    return _version_facts(version.version, active, definition, _published_names(definition, links, version.version))


def _version_facts(number: int | None, active: int, definition: SequenceDefinition, names: LinkNames) -> VersionFacts:
    deaf = [fault for fault in check_sequence(definition, names) if fault.field.endswith(".link")]
    waits = sum(bool(waking_links(step)) for step in definition.steps)
    return VersionFacts(number, active, waits, bool(placed_in_sequence(definition.steps, definition.triggers)), deaf)


def _published_names(definition: SequenceDefinition, links: list[LinkOfText], version: int) -> LinkNames:
    return {
        place: [link.name for link in links if link.version == version and link.step_key == step.key]
        for place, step in enumerate(definition.steps)
        if isinstance(step, SendStep)
    }


async def _step_targets(session: AsyncSession, sequence: Sequence, current: SequenceVersion | None) -> list[Finding]:
    """Looks at the steps that new enrollments get, or at those of the draft before it is published."""
    steps = SequenceDefinition.model_validate(current.definition if current else sequence.draft).steps
    named = {step.key: step.target for step in notify_steps(steps).values()}
    targets = await targets_by_name(session, sequence.org_id, set(named.values()))
    return list(findings_steps.of_targets(named, targets))


async def _draft_names(judge: Judge, org_id: UUID, definition: SequenceDefinition) -> LinkNames:
    steps = [(place, step) for place, step in enumerate(definition.steps) if isinstance(step, SendStep)]
    return {place: await _names(judge, org_id, step.message) for place, step in steps}
