"""Why a message was sent: the chain from what began it, through the gate, to what became of it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.campaigns.campaign import Campaign
from models.campaigns.explain import Fit, explain_audience
from models.channels.channel import Channel
from models.clicks.verdict import CORRECTED
from models.consent.consent import Consent
from models.contacts.contact import Contact
from models.conversation.step_entries import NO_FACTS, read_steps
from models.conversation.trigger_entries import TriggerSource, read_firings
from models.messages.message import Message
from models.organizations.api_key import ApiKey
from models.organizations.audit_log import AuditLog
from models.reports.click_feed import clicks_by_id
from models.segments.segment import segments_by_id
from models.sequences.enrollment import CauseKind, Enrollment
from models.sequences.sequence import Sequence, SequenceVersion
from models.why.lookups import changed_by, passage_of
from services.why.outcome import outcome_of
from services.why.reason import Reason, reason


async def why_message(session: AsyncSession, message: Message) -> list[Reason]:
    """Returns the chain in the order of time. The last reason is what became of the message. The caller has made sure whose it
    is."""
    causes = [each async for each in _causes(session, message)]
    return [*causes, *[each async for each in _gate(session, message)], await outcome_of(session, message)]


async def _causes(session: AsyncSession, message: Message) -> AsyncIterator[Reason]:
    if message.campaign_id is not None:
        yield await launched(session, await session.get_one(Campaign, message.campaign_id))
        yield await _audience(session, message)
    elif message.enrollment_id is not None:
        enrollment = await session.get_one(Enrollment, message.enrollment_id)
        if enrollment.cause == CauseKind.TRIGGER and enrollment.cause_id is not None:
            async for each in _fired(session, enrollment.cause_id):
                yield each
        yield await enrolled(session, enrollment)
        yield await _step(session, message, enrollment)
    elif message.firing_id is not None:
        async for each in _fired(session, message.firing_id):
            yield each


async def launched(session: AsyncSession, campaign: Campaign) -> Reason:
    by = await changed_by(session, campaign.org_id, "campaigns.launch", campaign.id, None)
    rows = {"campaign": campaign.id, "audit_log": by and by.id}
    named = {"campaign_id": campaign.id, "campaign": campaign.name, **await _key(session, by)}
    return reason("campaign_launched", campaign.launched_at, rows, **named)


async def _key(session: AsyncSession, by: AuditLog | None) -> dict[str, Any]:
    """The API key of a request. It has a name as long as its row is there."""
    key = await session.get(ApiKey, by.key_id) if by is not None and by.key_id is not None else None
    return {"key_id": by and by.key_id, "key_name": key and key.name}


async def _audience(session: AsyncSession, message: Message) -> Reason:
    """What the message kept says which rule it was. Otherwise the rule that the contact fits now is named, and said to be so. A
    contact that was not changed since had the same values then; of one that was, a segment is named without its condition."""
    campaign = await session.get_one(Campaign, message.campaign_id)
    contact = await session.get_one(Contact, message.contact_id)
    rows, kept = {"message": message.id, "campaign": campaign.id}, (message.facts or {}).get("audience", {})
    audience, unchanged = campaign.audience, contact.updated_at <= message.created_at
    if "tag" in kept:
        tag = audience["tags"][kept["tag"]]
        return reason("in_audience", message.created_at, rows, part="tags", tag=tag, known_then=True)
    if kept.get("named"):
        return reason("in_audience", message.created_at, rows, part="contact_ids", known_then=True)
    if contact.erased_at is not None:
        return reason("in_audience", message.created_at, rows, known_then=False)
    fit = await explain_audience(session, campaign, contact)
    if "segment" in kept and (not unchanged or not fit.fits or fit.part != "segment_ids"):
        fit, unchanged = Fit(True, "segment_ids", segment_id=UUID(audience["segment_ids"][kept["segment"]])), True
    if not fit.fits:
        return reason("in_audience", message.created_at, rows, known_then=False)
    name = await segment_name(session, campaign.org_id, fit.segment_id)
    return reason("in_audience", message.created_at, rows, **fit_facts(fit), segment=name, known_then=unchanged)


def fit_facts(fit: Fit) -> dict[str, Any]:
    names = ("part", "tag", "segment_id", "condition", "path", "value")
    return {name: getattr(fit, name) for name in names}


async def segment_name(session: AsyncSession, org_id: UUID, segment_id: UUID | None) -> str | None:
    found = await segments_by_id(session, org_id, [segment_id]) if segment_id is not None else {}
    return next((each.name for each in found.values()), None)


async def _fired(session: AsyncSession, firing_id: UUID) -> AsyncIterator[Reason]:
    entry = (await read_firings(session, [firing_id])).get(firing_id)
    if entry is None:
        return
    firing = entry.firing
    click = (await clicks_by_id(session, [firing.click_id])).get(firing.click_id) if firing.click_id else None
    facts = {**trigger_facts(entry.source), "firing_id": firing.id, "link": firing.link_name, "click_id": firing.click_id}
    rows = {"firing": firing.id, "click": firing.click_id}
    if click is not None:
        facts |= {"verdict": click.verdict, "known_then": False if click.reason == CORRECTED else None}
    yield replace(reason("trigger_fired", entry.at, rows, **facts), entry=entry)


def trigger_facts(source: TriggerSource) -> dict[str, Any]:
    trigger = source.trigger
    return {
        "trigger_id": trigger.id,
        "trigger_key": trigger.key,
        "event": trigger.event,
        "campaign_id": trigger.campaign_id,
        "campaign": source.campaign,
        "sequence_id": trigger.sequence_id,
        "sequence": source.sequence,
    }


async def enrolled(session: AsyncSession, enrollment: Enrollment) -> Reason:
    sequence = await session.get_one(Sequence, enrollment.sequence_id)
    version = await session.get_one(SequenceVersion, enrollment.sequence_version_id)
    by = None
    if enrollment.cause == CauseKind.REQUEST:
        since = enrollment.created_at
        by = await changed_by(session, enrollment.org_id, "enrollments.create", enrollment.sequence_id, since)
    rows = {"enrollment": enrollment.id, "audit_log": by and by.id}
    facts = {
        "sequence_id": sequence.id,
        "sequence": sequence.name,
        "sequence_version": version.version,
        "enrollment_id": enrollment.id,
        "cause": str(enrollment.cause),
        "cause_id": enrollment.cause_id,
        "campaign_id": enrollment.campaign_id,
        **await _key(session, by),
    }
    return reason("enrolled", enrollment.created_at, rows, **facts)


async def _step(session: AsyncSession, message: Message, enrollment: Enrollment) -> Reason:
    passage = await passage_of(session, enrollment.id, message.step_run or 0)
    facts: dict[str, Any] = {"step_key": message.step_key, "enrollment_id": enrollment.id}
    if passage is None:
        return reason("step_reached", message.created_at, {"enrollment": enrollment.id}, **facts)
    left = (await read_steps(session, [passage.event_id])).get(passage.event_id) if passage.event_id else None
    because = left.facts if left else NO_FACTS
    facts |= {"from_step": passage.before_key, "outcome": passage.before_outcome, "click_id": because.click_id}
    facts |= {"clicked_at": because.clicked_at, "link": because.link, "due_at": because.due_at}
    rows = {"enrollment": enrollment.id, "event": passage.event_id, "click": because.click_id}
    return reason("step_reached", passage.entered_at, rows, **facts)


async def _gate(session: AsyncSession, message: Message) -> AsyncIterator[Reason]:
    """What the gate saw when it let the message through. A message without facts was written before they were kept."""
    known = message.facts
    if known is None or known.get("rule") != "go":
        return
    at = message.sending_at
    needs = bool(known.get("needs_consent"))
    consent = await session.get(Consent, UUID(known["consent_id"])) if known.get("consent_id") else None
    about = {"consent_state": consent.state, "consent_source": consent.source, "given_at": consent.given_at} if consent else {}
    rows = {"message": message.id, "consent": known.get("consent_id")}
    yield reason("consent_allows", at, rows, needs_consent=needs, message_kind=message.message_kind, **about)
    owner = "campaign" if message.campaign_id else "sequence" if message.sequence_id else "campaign or sequence"
    level = known.get("tracking_off_at")
    off_at = owner if level == "owner" else level
    yield reason("links", at, {"message": message.id}, tracked=message.tracked, tracking_off_at=off_at)
    channel = await session.get_one(Channel, message.channel_id)
    limits = {name: known.get(name) for name in ("attempts", "messages_of_day", "budget")}
    waited = {"refused_at": message.refused_at, "late_after": message.late_after, "in_time": _in_time(message)}
    yield reason("gate_open", at, {"message": message.id}, channel_id=channel.id, channel=channel.name, **limits, **waited)


def _in_time(message: Message) -> bool | None:
    return None if message.late_after is None else (message.sending_at or now()) < message.late_after
