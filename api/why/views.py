"""How an answer to "why?" looks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.why.sentences import sentence
from services.why.reason import Reason


class ProvingRow(BaseModel):
    """A row that proves the answer."""

    table: str = Field(examples=["message"])
    id: str = Field(examples=["01890a5d-ac96-774b-bcce-b302099a8057"])


class WhyFacts(BaseModel):
    """The facts that the rule looked at. A fact that does not belong to the rule, or that is not known, is left out."""

    model_config = ConfigDict(extra="forbid")

    message_id: UUID | None = None
    message_kind: str | None = None
    campaign_id: UUID | None = None
    campaign: str | None = None
    sequence_id: UUID | None = None
    sequence: str | None = None
    sequence_version: int | None = None
    enrollment_id: UUID | None = None
    step_key: str | None = None
    from_step: str | None = Field(None, description="The step before it, or the last one that the contact was in.")
    outcome: str | None = Field(None, description="How that step was left, or why somebody was not enrolled.")
    cause: str | None = Field(None, description="What enrolled the contact: request, trigger or step.")
    cause_id: UUID | None = None
    key_id: str | None = Field(None, description="The API key of the request.")
    key_name: str | None = Field(None, description="The name of that key.")
    trigger_id: UUID | None = None
    trigger_key: str | None = None
    event: str | None = None
    firing_id: UUID | None = None
    link: str | None = Field(None, description="Name of the clicked link.")
    click_id: UUID | None = None
    clicked_at: datetime | None = None
    verdict: str | None = None
    due_at: datetime | None = Field(None, description="Until when the step waits or waited.")
    part: str | None = Field(None, description="The list of the campaign's audience that decides.")
    tag: str | None = None
    segment_id: UUID | None = None
    segment: str | None = None
    path: str | None = Field(None, description="Where the condition stands in the definition of the segment.")
    condition: dict[str, Any] | None = Field(None, description="The condition that decides.")
    condition_about: str | None = Field(None, description="What the condition names.", examples=["campaign 'Spring'"])
    value: Any = Field(None, description="What the contact has there.")
    known_then: bool | None = Field(None, description="True: it was so at that moment. False: it is so now.")
    consent_state: str | None = None
    consent_source: str | None = None
    given_at: datetime | None = None
    needs_consent: bool | None = None
    suppression_reason: str | None = None
    lifted_at: datetime | None = None
    since: datetime | None = Field(None, description="Since when it is so.")
    tracked: bool | None = None
    tracking_off_at: str | None = Field(None, description="The level that switched link tracking off.")
    channel_id: UUID | None = None
    channel: str | None = None
    medium: str | None = None
    attempts: int | None = Field(None, description="How often the channel was asked.")
    refused_at: datetime | None = Field(None, description="When the channel refused it for now for the first time.")
    late_after: datetime | None = Field(None, description="After this time it is not worth sending.")
    in_time: bool | None = None
    messages_of_day: int | None = Field(None, description="Messages that the contact had within 24 hours.")
    budget: int | None = Field(None, description="How many it may have.")
    provider_id: str | None = None
    report: str | None = None
    report_code: str | None = None
    reported_at: datetime | None = None
    waits: bool | None = Field(None, description="True: it may still go out.")
    detail: str | None = Field(None, description="What else is known, such as the provider's answer.")


class WhyAnswer(BaseModel):
    """`rule` is a word that `docs/why.md` explains."""

    answer: str = Field(examples=["The message was left out, because the contact has opted out."])
    rule: str = Field(examples=["opted_out"])
    at: datetime | None = Field(None, description="When the rule counted; left out: it counts now.")
    facts: WhyFacts
    rows: list[ProvingRow]


class MessageWhy(WhyAnswer):
    """What became of the message, with the chain that led to it, in the order of time. Its last part is the answer itself."""

    chain: list[WhyAnswer]


def why_answer(reason: Reason) -> WhyAnswer:
    rows = [ProvingRow(**row._asdict()) for row in reason.rows]
    return WhyAnswer(
        answer=sentence(reason), rule=reason.rule, at=reason.at, facts=WhyFacts.model_validate(reason.facts), rows=rows
    )
