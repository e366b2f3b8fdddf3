"""How the conversation shows what a contact wrote, and what was said about getting messages."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from models.consent.consent import Consent, ConsentSource, ConsentState
from models.inbound.inbound_message import Decision, InboundMeaning
from models.reports.consent_entries import ConsentEntry, InboundEntry


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
    ConsentSource.API: "recorded by the API",
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


def inbound_item(entry: InboundEntry) -> InboundItem:
    row = entry.message
    same = {name: getattr(row, name) for name in ("id", "body", "meaning", "decision", "answer", "message_id")}
    return InboundItem(**same, at=entry.at, channel=entry.channel)
