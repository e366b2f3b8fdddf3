"""How the conversation shows what a contact wrote, and what was said about getting messages."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from models.consent.consent import Consent, ConsentSource, ConsentState
from models.consent.suppression import Suppression, SuppressionReason
from models.conversation.consent_entries import ConsentEntry, InboundEntry, SuppressionEntry
from models.inbound.inbound_message import Decision, InboundMeaning


class ConsentItem(BaseModel):
    """An answer about getting messages. `at` is when the contact gave it."""

    kind: Literal["consent"] = "consent"
    id: UUID
    at: datetime
    summary: str = Field(examples=["opted out of marketing by sms, by a word in a text message"])
    state: ConsentState
    medium: str | None
    channel: str | None = Field(description="Name of the only channel that it is about.")
    message_kind: str | None
    source: ConsentSource
    reason: str | None


class SuppressionItem(BaseModel):
    """An address that the contact has now was suppressed: nothing that it covers is sent there until it is lifted."""

    kind: Literal["suppression"] = "suppression"
    id: UUID
    at: datetime
    summary: str = Field(examples=["the e-mail address was suppressed for everything, because a message came back"])
    medium: str
    channel: str | None = Field(description="Name of the only channel that it is about.")
    message_kind: str | None
    reason: SuppressionReason
    message_id: UUID | None = Field(description="The message that led to it.")
    lifted_at: datetime | None
    lift_reason: str | None


class InboundItem(BaseModel):
    """A message that the contact wrote."""

    kind: Literal["inbound_message"] = "inbound_message"
    id: UUID
    at: datetime
    channel: str = Field(examples=["simulator-sms"])
    body: str | None
    meaning: InboundMeaning
    decision: Decision | None = Field(description="What somebody decided about a perhaps_refusal; null: nobody has yet.")
    answer: str | None = Field(description="The text with which a word such as STOP was confirmed.")
    decided_at: datetime | None
    message_id: UUID | None = Field(description="The message that it answers.")


STATES = {
    ConsentState.OPTED_IN: "opted in to",
    ConsentState.OPTED_OUT: "opted out of",
    ConsentState.UNKNOWN: "took back the answer about",
}
SOURCES = {
    ConsentSource.UNSUBSCRIBE_LINK: "by the link for unsubscribing",
    ConsentSource.PREFERENCE_PAGE: "on the preference page",
    ConsentSource.SMS_WORD: "by a word in a message",
    ConsentSource.HELD_REFUSAL: "in a message that somebody judged",
    ConsentSource.PROVIDER: "at the provider",
    ConsentSource.COMPLAINT: "by a complaint",
    ConsentSource.API: "recorded by hand or by the API",
    ConsentSource.IMPORT: "recorded by an import",
}


def consent_item(entry: ConsentEntry) -> ConsentItem:
    row = entry.consent
    same = {name: getattr(row, name) for name in ("id", "state", "medium", "message_kind", "source", "reason")}
    return ConsentItem(**same, at=entry.at, channel=entry.channel, summary=consent_sentence(row, entry.channel))


def consent_sentence(row: Consent, channel: str | None) -> str:
    """Returns for example `opted out of everything, by a word in a message`."""
    what = f"{row.message_kind} messages" if row.message_kind else "everything" if row.medium is None else "messages"
    way = f" by the channel '{channel}'" if channel else f" by {row.medium}" if row.medium else ""
    return f"{STATES[ConsentState(row.state)]} {what}{way}, {SOURCES[ConsentSource(row.source)]}"


ADDRESSES = {"sms": "the phone number", "email": "the e-mail address"}
CAUSES = {
    SuppressionReason.BOUNCE: "a message came back",
    SuppressionReason.COMPLAINT: "of a complaint",
    SuppressionReason.PROVIDER: "the provider refuses it",
    SuppressionReason.OPTED_OUT: "its owner opted out",
    SuppressionReason.MANUAL: "somebody suppressed it",
}


def suppression_item(entry: SuppressionEntry) -> SuppressionItem:
    row = entry.suppression
    names = ("id", "medium", "message_kind", "reason", "message_id", "lifted_at", "lift_reason")
    same = {name: getattr(row, name) for name in names}
    return SuppressionItem(**same, at=entry.at, channel=entry.channel, summary=suppression_sentence(row, entry.channel))


def suppression_sentence(row: Suppression, channel: str | None) -> str:
    """Returns for example `the phone number was suppressed for everything, because its owner opted out`."""
    what = f"{row.message_kind} messages" if row.message_kind else "messages" if channel else "everything"
    way = f" by the channel '{channel}'" if channel else ""
    cause = CAUSES[SuppressionReason(row.reason)]
    return f"{ADDRESSES.get(row.medium, 'the address')} was suppressed for {what}{way}, because {cause}"


def inbound_item(entry: InboundEntry) -> InboundItem:
    row = entry.message
    same = {name: getattr(row, name) for name in ("id", "body", "meaning", "decision", "decided_at", "answer", "message_id")}
    return InboundItem(**same, at=entry.at, channel=entry.channel)
