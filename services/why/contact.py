"""Why one contact did not get a message of a campaign, a sequence or a trigger: the first rule that stopped it, in the order in
which the rules are asked. Somebody who did get it has a message that says so."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.campaigns.campaign import Campaign, CampaignState
from models.campaigns.explain import explain_audience
from models.channels.channel import Channel
from models.contacts.contact import Contact
from models.conversation.trigger_entries import read_firings, read_refusals
from models.messages.content import Content, content_of_step
from models.organizations.limits import Limits
from models.sequences.enrollment import ACTIVE, Enrollment, EnrollmentState
from models.sequences.sequence import Sequence, SequenceState
from models.why import lookups
from services.composing.compose import address_of
from services.consent.opt_out import OPTED_OUT
from services.gate import CONTACT_ERASED, RULES, judge
from services.inbound.receive import REPLIED
from services.why.another_way import can_come, turned_off
from services.why.gate_now import facts_now
from services.why.message import fit_facts, segment_name, trigger_facts
from services.why.outcome import outcome_of
from services.why.reason import Reason, reason

RULES_OF_STOPS = {OPTED_OUT: "left_opted_out", REPLIED: "left_replied"}


async def why_not_campaign(session: AsyncSession, campaign: Campaign, contact: Contact, limits: Limits) -> Reason:
    """The caller has made sure whose both are. `limits` are those of the organization."""
    message = await lookups.campaign_message(session, campaign.id, contact.id)
    if message is not None:
        return await outcome_of(session, message)
    rows = {"campaign": campaign.id, "contact": contact.id}
    named: dict[str, Any] = {"campaign_id": campaign.id, "campaign": campaign.name}
    if contact.erased_at is not None:
        return reason(CONTACT_ERASED, contact.erased_at, rows, **named)
    if campaign.state == CampaignState.DRAFT or campaign.launched_at is None:
        return reason("not_launched", None, rows, **named)
    if contact.created_at > campaign.launched_at:
        return reason("created_after_launch", campaign.launched_at, rows, **named, since=contact.created_at)
    fit = await explain_audience(session, campaign, contact)
    if not fit.fits:
        about = {**fit_facts(fit), "segment": await segment_name(session, campaign.org_id, fit.segment_id)}
        about["condition_about"] = await lookups.named_in(session, campaign.org_id, fit.condition or {})
        rule = "excluded" if (fit.part or "").startswith("exclude") else "not_in_audience"
        return reason(rule, None, rows, **named, **about, known_then=contact.updated_at <= campaign.launched_at)
    content = await session.get_one(Content, campaign.content_id)
    if campaign.state != CampaignState.SENDING:
        ended = campaign.state in (CampaignState.STOPPED, CampaignState.FAILED)
        rule = "campaign_over" if ended else "came_to_fit_later"
        return reason(rule, None, rows, **named, detail=campaign.reason, since=contact.updated_at)
    return await _next(session, content, contact, limits, rows, named, campaign=campaign)


async def _next(
    session: AsyncSession,
    content: Content,
    contact: Contact,
    limits: Limits,
    rows: dict[str, Any],
    named: dict[str, Any],
    *,
    campaign: Campaign | None = None,
    enrollment: Enrollment | None = None,
) -> Reason:
    """Nobody has come to this message yet: what would the gate say now?"""
    channel = await session.get_one(Channel, content.channel_id)
    named = {**named, "channel_id": channel.id, "channel": channel.name, "medium": str(channel.medium), "waits": True}
    if address_of(contact, channel.medium) is None:
        return reason(f"no_{'phone' if channel.medium == 'sms' else 'email'}", None, rows, **named)
    judged = judge(await facts_now(session, content, contact, campaign, enrollment, limits=limits))
    if judged.rule in RULES:
        obstacles = judged.facts.obstacles
        since = {"answer_undecided": obstacles.held_since, "channel_paused": obstacles.paused_at}.get(judged.rule)
        proof = {**rows, "consent": obstacles.consent_id, "suppression": obstacles.suppression_id}
        about: dict[str, Any] = {"since": since, "suppression_reason": obstacles.suppressed, "consent_state": obstacles.consent}
        about |= {name: getattr(judged.facts, name) for name in ("late_after", "messages_of_day", "budget")}
        return reason(judged.rule, None, proof, **named, **about)
    return reason("not_reached_yet", None, rows, **named)


async def why_not_sequence(
    session: AsyncSession, sequence: Sequence, contact: Contact, step_key: str | None, limits: Limits
) -> Reason:
    """Looks at the last message of the contact's last enrollment, or, with `step_key`, at that of this step."""
    enrollment = await lookups.last_enrollment(session, sequence.id, contact.id)
    if enrollment is None:
        return await _not_enrolled(session, sequence, contact)
    message = await lookups.enrollment_message(session, enrollment.id, step_key)
    if message is not None:
        return await outcome_of(session, message)
    if contact.erased_at is not None:
        return reason(CONTACT_ERASED, contact.erased_at, {"contact": contact.id, "enrollment": enrollment.id})
    if enrollment.state in ACTIVE:
        if step_key is not None and not await can_come(session, enrollment, step_key):
            return await _another_way(session, sequence, enrollment, step_key)
        return await _under_way(session, sequence, enrollment, contact, limits)
    return await _left(session, sequence, enrollment, step_key)


async def _not_enrolled(session: AsyncSession, sequence: Sequence, contact: Contact) -> Reason:
    rows: dict[str, Any] = {"sequence": sequence.id, "contact": contact.id}
    named = {"sequence_id": sequence.id, "sequence": sequence.name}
    if contact.erased_at is not None:
        return reason(CONTACT_ERASED, contact.erased_at, rows, **named)
    if sequence.state != SequenceState.PUBLISHED:
        return reason("sequence_not_published", None, rows, **named)
    refused = await lookups.not_enrolled(session, sequence.id, contact.id)
    if refused is not None:
        by = {"trigger_id": refused.trigger_id, "trigger_key": refused.trigger_key, "step_key": refused.step_key}
        proof = {**rows, "firing": refused.firing_id, "event": refused.event_id}
        return reason("not_enrolled", refused.at, proof, **named, **by, outcome=refused.result)
    refusal = await lookups.refused_by_trigger(session, sequence.id, contact.id)
    if refusal is not None:
        return await _refused(session, contact, refusal)
    return reason("never_enrolled", None, rows, **named)


async def _under_way(
    session: AsyncSession, sequence: Sequence, enrollment: Enrollment, contact: Contact, limits: Limits
) -> Reason:
    """A person who stands at a message is asked about at the gate; all others wait."""
    rows = {"enrollment": enrollment.id}
    named: dict[str, Any] = {"sequence_id": sequence.id, "sequence": sequence.name, "enrollment_id": enrollment.id}
    named |= {"step_key": enrollment.step_key, "due_at": enrollment.due_at}
    if enrollment.stop_requested_at is not None:
        return reason("stopped", enrollment.stop_requested_at, rows, **named)
    if enrollment.state == EnrollmentState.QUEUED:
        return reason("not_started", enrollment.created_at, rows, **named)
    content = await content_of_step(session, enrollment.sequence_version_id, enrollment.step_key or "")
    if content is not None:
        return await _next(session, content, contact, limits, rows, named, enrollment=enrollment)
    return reason("still_waiting", None, rows, **named)


async def _another_way(session: AsyncSession, sequence: Sequence, enrollment: Enrollment, step_key: str) -> Reason:
    last = await turned_off(session, enrollment, step_key)
    event = await lookups.left_event(session, enrollment.id, last.number) if last else None
    named = {"sequence_id": sequence.id, "sequence": sequence.name, "enrollment_id": enrollment.id, "step_key": step_key}
    named |= {"from_step": last and last.step_key, "outcome": last and last.outcome, "detail": enrollment.outcome}
    at = last.left_at if last else enrollment.finished_at
    return reason("left_another_way", at, {"enrollment": enrollment.id, "event": event and event.id}, **named)


async def _left(session: AsyncSession, sequence: Sequence, enrollment: Enrollment, step_key: str | None) -> Reason:
    if enrollment.state == EnrollmentState.COMPLETED and step_key is not None:
        return await _another_way(session, sequence, enrollment, step_key)
    end = await lookups.end_event(session, enrollment.id)
    rows = {"enrollment": enrollment.id, "event": end and end.id}
    named = {"sequence_id": sequence.id, "sequence": sequence.name, "enrollment_id": enrollment.id, "step_key": step_key}
    passed = await lookups.passed_steps(session, enrollment.id)
    last = passed[0] if passed else None
    named |= {"from_step": last and last.step_key, "outcome": last and last.outcome}
    if enrollment.state == EnrollmentState.COMPLETED:
        return reason("left_another_way", enrollment.finished_at, rows, **named, detail=enrollment.outcome)
    rule = RULES_OF_STOPS.get(
        enrollment.outcome or "", "left_failed" if enrollment.state == EnrollmentState.FAILED else "left_stopped"
    )
    return reason(rule, enrollment.finished_at, rows, **named, detail=enrollment.outcome)


async def why_not_trigger(session: AsyncSession, trigger_id: UUID, contact: Contact) -> Reason | None:
    """Returns None when nothing of the contact has come to the trigger: the diagnostics say what is missing."""
    firing = await lookups.last_firing(session, trigger_id, contact.id)
    if firing is not None:
        message = await lookups.firing_message(session, firing)
        return await outcome_of(session, message) if message else await _fired(session, firing)
    refusal = await lookups.last_refusal(session, trigger_id, contact.id)
    return await _refused(session, contact, refusal) if refusal else None


async def _fired(session: AsyncSession, firing_id: UUID) -> Reason:
    entry = (await read_firings(session, [firing_id]))[firing_id]
    rows = {"firing": firing_id, "click": entry.firing.click_id}
    return replace(reason("trigger_fired", entry.at, rows, **trigger_facts(entry.source)), entry=entry)


async def _refused(session: AsyncSession, contact: Contact, refusal_id: UUID) -> Reason:
    """The rules are those of the diagnostics of triggers."""
    entry = (await read_refusals(session, contact.id, [refusal_id]))[refusal_id]
    rows = {"trigger_refusal": refusal_id, "click": entry.refusal.click_id}
    facts = {**trigger_facts(entry.source), "link": entry.link, "click_id": entry.refusal.click_id}
    return replace(reason(f"trigger_{entry.refusal.reason}", entry.at, rows, **facts), entry=entry)
