"""What requests and answers about sequences look like."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from api.links.views import LinkView
from models.sequences.re_entry import ReEntry, ReEntryLimit
from models.sequences.sequence import SequenceState
from models.sequences.steps.message import Utm
from models.sequences.steps.registry import Step
from models.texts.text import Name
from models.triggers.definition import MAX_TRIGGERS, TriggerDefinition

EXAMPLE: JsonDict = {
    "name": "Welcome",
    "steps": [
        {
            "kind": "send",
            "key": "hello",
            "channel": "simulator-sms",
            "message": {
                "body": "Hello {{ contact.first_name }}: {{ links.guide }}",
                "links": {"guide": "https://www.example.com/guide"},
            },
        },
        {
            "kind": "wait_for_click",
            "key": "wait",
            "link": "guide",
            "timeout": "P3D",
            "on_click": "thanks",
            "on_timeout": "reminder",
        },
        {
            "kind": "send",
            "key": "thanks",
            "channel": "simulator-sms",
            "message": {"body": "Glad that you had a look."},
            "next": "over",
        },
        {"kind": "send", "key": "reminder", "channel": "simulator-sms", "message": {"body": "Your guide is still waiting."}},
        {"kind": "end", "key": "over"},
    ],
}


LEAVE_ON_OPT_OUT = "true: who opts out of something that it sends leaves it. false: they go on, and only get no such message."
END_ON_REPLY = "true: it ends for contacts who write back by a channel by which it has written to them."


class SequenceCreate(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    name: Name
    steps: list[Step] = Field(min_length=1, max_length=100, description="The first one is where an enrollment starts.")
    link_tracking: bool | None = Field(
        None, description="false: links go out unchanged. null or true: as the organization, whose false counts for all."
    )
    re_entry: ReEntry = Field(
        ReEntry.AFTER_FINISHING,
        description="Whether a contact that was enrolled before can be enrolled again, by a request, a trigger or a step. never: "
        "once for ever. after_finishing: once at a time. always: several enrollments of a contact can run side by side.",
    )
    re_entry_limit: ReEntryLimit | None = Field(
        None, description="At most so many enrollments of one contact begin in the period that ends now; null: any number."
    )
    leave_on_opt_out: bool = Field(True, strict=True, description=LEAVE_ON_OPT_OUT)
    end_on_reply: bool = Field(False, strict=True, description=END_ON_REPLY)
    utm: Utm | None = Field(
        None, description="Added to every tracked address.", examples=[{"source": "linkwake", "medium": "sms"}]
    )
    utm_overwrite: bool = Field(False, description="true: they replace those that an address has already.")
    triggers: list[TriggerDefinition] = Field(
        default_factory=list, max_length=MAX_TRIGGERS, description="What clicks on the links of any of its messages start."
    )


class SequenceCheck(SequenceCreate):
    sequence_id: UUID | None = Field(None, description="The sequence whose draft this would be; null: a new one.")


class CheckedSequence(BaseModel):
    """Publishing it would be possible now."""

    version: int = Field(description="The number that the version would have.", examples=[5])
    is_new: bool = Field(description="false: it is the published version already, so publishing it would change nothing.")


class SequenceChange(BaseModel):
    """Only what is given changes. `name`, `link_tracking`, `leave_on_opt_out` and `end_on_reply` count at once, `re_entry` and
    `re_entry_limit` for new enrollments, the others from the next publish on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"link_tracking": False}]})

    name: Name | None = None
    steps: list[Step] | None = Field(None, min_length=1, max_length=100)
    link_tracking: bool | None = None
    re_entry: ReEntry = ReEntry.AFTER_FINISHING
    re_entry_limit: ReEntryLimit | None = None
    leave_on_opt_out: bool = Field(True, strict=True, description=LEAVE_ON_OPT_OUT)
    end_on_reply: bool = Field(False, strict=True, description=END_ON_REPLY)
    utm: Utm | None = None
    utm_overwrite: bool = False
    triggers: list[TriggerDefinition] = Field(default_factory=list, max_length=MAX_TRIGGERS)

    @field_validator("name", "steps", "re_entry", "triggers", "leave_on_opt_out", "end_on_reply", mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("leave the field out to keep it; it cannot be null")
        return value


class SequenceCommon(BaseModel):
    """`version` is what new enrollments get; null: never published."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    state: SequenceState
    link_tracking: bool | None
    re_entry: ReEntry
    re_entry_limit: ReEntryLimit | None
    leave_on_opt_out: bool
    end_on_reply: bool
    version: int | None
    created_at: datetime
    updated_at: datetime


class SequenceSummary(SequenceCommon):
    inside: int = Field(description="Enrollments that are not over, of all versions.", examples=[300])
    entered: int = Field(description="Enrollments that began, of all versions.", examples=[500])
    people: int = Field(description="Contacts who have clicked a link of its messages.", examples=[120])
    click_rate: float | None = Field(description="people / entered; null: nobody entered.", examples=[0.24])


class SequenceDetail(SequenceCommon):
    steps: list[Step] = Field(description="The draft.")
    utm: Utm | None = Field(description="Of the draft.")
    utm_overwrite: bool
    triggers: list[TriggerDefinition] = Field(description="Of the draft.")
    unpublished_changes: bool = Field(description="The draft differs from the published version.")
    links: list[LinkView] = Field(description="Of the published version.")


class VersionSummary(BaseModel):
    """A published version. It never changes; enrollments stay on the version that they started with."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    sequence_id: UUID
    version: int
    active_enrollments: int = Field(0, description="Enrollments in this version that are not over.", examples=[300])
    published_at: datetime


class VersionDetail(VersionSummary):
    steps: list[Step]
    utm: Utm | None
    utm_overwrite: bool
    triggers: list[TriggerDefinition]
    links: list[LinkView]
