"""What became of one message: that it went out, or the first rule that stopped it, with the facts that the message has kept of
that moment."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel
from models.consent.consent import Consent
from models.consent.suppression import Suppression
from models.messages.message import Message, MessageState
from services.gate import RULES, judge
from services.why.gate_now import facts_of_message
from services.why.reason import Reason, reason

WAITING_RULES = {"enrollment_over", "campaign_over", "moved", "over", "stopped", "no_phone", "no_email"}
"""Reasons of messages that were left out by something else than the gate."""
RECEIVED = "received"
FAILED = "failed"
GIVEN_UP = "given_up"
UNKNOWN = "unknown"
SENDING = "sending"
REFUSED_FOR_NOW = "refused_for_now"
WAITS = "waits"
LEFT_OUT = "left_out"


async def outcome_of(session: AsyncSession, message: Message) -> Reason:
    """A message that waits is asked about at the gate now."""
    channel = await session.get_one(Channel, message.channel_id)
    known = message.facts or {}
    common = {"message_id": message.id, "channel_id": channel.id, "channel": channel.name, "medium": str(channel.medium)}
    common |= {"attempts": known.get("attempts")}
    reported = {"report": message.report, "report_code": message.report_code, "reported_at": message.reported_at}
    rows = {"message": message.id}
    match MessageState(message.state):
        case MessageState.ACCEPTED:
            more: dict[str, Any] = {
                "provider_id": message.provider_id,
                "report": message.report,
                "report_code": message.report_code,
            }
            return reason(RECEIVED, message.accepted_at, rows, **common, **more)
        case MessageState.UNKNOWN:
            return reason(UNKNOWN, message.sending_at, rows, **common, detail=message.reason)
        case MessageState.SENDING:
            return reason(SENDING, message.sending_at, rows, **common)
        case MessageState.FAILED:
            rule = GIVEN_UP if message.refused_at is not None else FAILED
            more = {**reported, "refused_at": message.refused_at, "detail": message.reason}
            return reason(rule, message.sending_at or message.created_at, rows, **common, **more)
        case MessageState.SKIPPED:
            return await _skipped(session, message, common)
        case _:
            return await _waits(session, message, common)


async def _skipped(session: AsyncSession, message: Message, common: dict[str, object]) -> Reason:
    """Says what the gate saw. What a message has not kept, such as one that was left out before it kept facts, is left out."""
    known, (word, _, detail) = message.facts or {}, (message.reason or LEFT_OUT).partition(": ")
    rule = word if word in RULES or word in WAITING_RULES else LEFT_OUT
    rows: dict[str, object] = {"message": message.id}
    facts = dict(common)
    at = message.sending_at or message.created_at
    if rule in ("opted_out", "no_consent") and known.get("consent_id"):
        consent = await session.get(Consent, UUID(known["consent_id"]))
        rows["consent"] = known["consent_id"]
        if consent is not None:
            facts |= {"consent_state": consent.state, "consent_source": consent.source, "given_at": consent.given_at}
    if rule == "suppressed":
        facts["suppression_reason"] = detail
        if known.get("suppression_id"):
            suppression = await session.get(Suppression, UUID(known["suppression_id"]))
            rows["suppression"] = known["suppression_id"]
            if suppression is not None:
                facts |= {"since": suppression.created_at, "lifted_at": suppression.lifted_at}
    if rule == "too_late":
        facts |= {"late_after": message.late_after, "refused_at": message.refused_at}
    if rule == "too_many_messages":
        facts |= {name: known.get(name) for name in ("messages_of_day", "budget")}
    return reason(rule, at, rows, **facts, detail=message.reason if rule == LEFT_OUT else None)


async def _waits(session: AsyncSession, message: Message, common: dict[str, object]) -> Reason:
    judged = judge(await facts_of_message(session, message))
    obstacles = judged.facts.obstacles
    since = {"answer_undecided": obstacles.held_since, "channel_paused": obstacles.paused_at}.get(judged.rule)
    common |= {"refused_at": message.refused_at, "late_after": message.late_after, "since": since}
    if judged.rule in RULES:
        return reason(judged.rule, None, {"message": message.id}, **common, detail=message.reason, waits=True)
    rule = REFUSED_FOR_NOW if message.refused_at is not None else WAITS
    return reason(rule, None, {"message": message.id}, **common, detail=message.reason, waits=True)
