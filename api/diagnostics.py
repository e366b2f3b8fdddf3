"""Why are clicks or automation missing? Answered from the real state; `docs/troubleshooting.md` explains every code."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from activities.places import Places, PlacesState
from api import findings, findings_automation
from api.compile_content import compile_message
from api.finding import Finding, Subject
from api.findings_automation import TriggerFacts, WaitFacts
from api.request import OrganizationDep, ServicesDep, SessionDep, area
from api.services import Services
from models.analytics import ClickQuestion, LinkOfText, contents_of, count_links, links_of
from models.base import now
from models.campaign import Campaign, CampaignState, get_campaign
from models.click import Scope
from models.diagnostics import LATE, Facts, read_facts
from models.errors import NotFound, first_line
from models.sequence import Sequence, current_version, get_sequence
from models.sequence_check import LinkNames, check_sequence
from models.steps import MessageTemplate, SendStep, SequenceDefinition, WaitForClickStep

router = area("diagnostics")

SEVERITIES = ("problem", "warning", "info")
TEMPORAL_TIMEOUT = timedelta(seconds=2)


class Diagnostics(BaseModel):
    """Problems first, then warnings, then information. An empty list: nothing stands in the way."""

    checked_at: datetime
    findings: list[Finding] = Field(description="What was found, each with what to change.")


@router.get("/campaigns/{campaign_id}/diagnostics")
async def campaign_diagnostics(
    campaign_id: UUID, session: SessionDep, caller: OrganizationDep, services: ServicesDep
) -> Diagnostics:
    """Why are clicks not showing, why was nothing triggered, why is there no location, why is it wrong?"""
    campaign = await get_campaign(session, caller.id, campaign_id)
    facts = await _facts(session, Scope.CAMPAIGN, campaign_id)
    links = await links_of(session, Scope.CAMPAIGN, campaign_id)
    live = campaign.state != CampaignState.DRAFT
    sends_more = campaign.state in (CampaignState.DRAFT, CampaignState.SENDING)
    subject = Subject("campaign", caller, campaign.link_tracking, live, bool(links), facts, sends_more)
    late = _is_late(campaign)
    return _sorted(
        [
            *_common(subject, _places(services)),
            *findings_automation.trigger(subject, campaign, await _trigger_facts(session, campaign, links)),
            *findings_automation.work(subject, await _temporal_problem(services, facts, late), late),
        ]
    )


@router.get("/sequences/{sequence_id}/diagnostics")
async def sequence_diagnostics(
    sequence_id: UUID, session: SessionDep, caller: OrganizationDep, services: ServicesDep
) -> Diagnostics:
    """The same questions for a sequence, and: why is it not tracking?"""
    sequence = await get_sequence(session, caller.id, sequence_id)
    facts = await _facts(session, Scope.SEQUENCE, sequence_id)
    links = await links_of(session, Scope.SEQUENCE, sequence_id)
    subject = Subject("sequence", caller, sequence.link_tracking, sequence.version is not None, bool(links), facts)
    return _sorted(
        [
            *_common(subject, _places(services)),
            *findings_automation.waits(subject, await _wait_facts(session, sequence, links)),
            *findings_automation.work(subject, await _temporal_problem(services, facts)),
        ]
    )


async def _facts(session: AsyncSession, scope: Scope, scope_id: UUID) -> Facts:
    return await read_facts(session, scope, scope_id, await contents_of(session, scope, scope_id))


def _common(subject: Subject, places: PlacesState) -> Iterable[Finding]:
    yield from findings.tracking(subject)
    yield from findings.clicks(subject)
    yield from findings.metadata(subject, places)
    yield from findings.location(subject, places)
    yield from findings.delivery(subject)


def _sorted(found: list[Finding]) -> Diagnostics:
    return Diagnostics(checked_at=now(), findings=sorted(found, key=lambda each: SEVERITIES.index(each.severity)))


def _is_late(campaign: Campaign) -> bool:
    """Launched for a while, and still without a workflow."""
    launched = campaign.launched_at if campaign.workflow_started_at is None else None
    return launched is not None and launched < now() - LATE


def _places(services: Services) -> PlacesState:
    """The geo database as this process sees it: the worker, which looks clicks up, has the same setting."""
    return _places_of(services.settings.geo_database).state()


@lru_cache(maxsize=4)
def _places_of(path: Path | None) -> Places:
    return Places(path)


async def _temporal_problem(services: Services, facts: Facts, late: bool = False) -> str | None:
    """Only asked when something waits for Temporal."""
    if not (late or facts.enrollments.not_started or facts.signals.rows):
        return None
    try:
        healthy = await services.temporal.service_client.check_health(timeout=TEMPORAL_TIMEOUT)
    except Exception as error:  # whatever it is, the answer is: it does not answer
        return first_line(error)
    return None if healthy else "it says that it is not serving"


async def _trigger_facts(session: AsyncSession, campaign: Campaign, links: list[LinkOfText]) -> TriggerFacts:
    if campaign.trigger is None:
        return TriggerFacts()
    wanted = campaign.trigger["link"]
    if campaign.state == CampaignState.DRAFT:
        named = len([name for name in _names(campaign.message) if wanted in (None, name)])
        return TriggerFacts(await _follow_up(session, campaign), named)
    heard = [link.id for link in links if wanted in (None, link.name)]
    counts = await count_links(session, heard, ClickQuestion())
    return TriggerFacts(await _follow_up(session, campaign), len(heard), sum(count.clicks for count in counts.values()))


async def _follow_up(session: AsyncSession, campaign: Campaign) -> Sequence | None:
    try:
        return await get_sequence(session, campaign.org_id, UUID((campaign.trigger or {})["sequence_id"]))
    except NotFound:
        return None


def _names(message: dict[str, Any] | MessageTemplate) -> list[str | None]:
    """The links of a text that is not compiled yet; none when it is not valid."""
    try:
        compiled, _ = compile_message(MessageTemplate.model_validate(message), "message")
    except ValidationError:
        return []
    return compiled.names if compiled else []


async def _wait_facts(session: AsyncSession, sequence: Sequence, links: list[LinkOfText]) -> WaitFacts:
    version = await current_version(session, sequence)
    definition = SequenceDefinition.model_validate(version.definition if version else sequence.draft)
    names = _published_names(definition, links, version.version) if version else _draft_names(definition)
    faults = check_sequence(definition, names)
    return WaitFacts(
        waits=sum(isinstance(step, WaitForClickStep) for step in definition.steps),
        deaf=[fault for fault in faults if fault.field.endswith(".link")],
        version=sequence.version,
        draft_differs=version is not None and version.definition != sequence.draft,
    )


def _published_names(definition: SequenceDefinition, links: list[LinkOfText], version: int) -> LinkNames:
    return {
        place: [link.name for link in links if link.version == version and link.step_key == step.key]
        for place, step in enumerate(definition.steps)
        if isinstance(step, SendStep)
    }


def _draft_names(definition: SequenceDefinition) -> LinkNames:
    return {place: _names(step.message) for place, step in enumerate(definition.steps) if isinstance(step, SendStep)}
