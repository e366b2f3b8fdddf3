"""What requests and answers about sequences look like."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from api.links import LinkView
from models.sequence import SequenceState
from models.steps import Duration, EndStep, SendStep, Step, Utm, WaitForClickStep, WaitStep
from models.text import Name
from settings import CALENDAR_UNITS

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


def _iso_or_seconds(value: Any) -> Any:
    """Pydantic takes more for a duration: `true`, `"1:00:00"`, `"1 day"`."""
    if isinstance(value, bool) or (isinstance(value, str) and not value.lstrip("+-").startswith("P")):
        raise ValueError("write an ISO 8601 duration such as PT30S or P3D, or a number of seconds")
    if isinstance(value, str) and CALENDAR_UNITS.match(value):
        raise ValueError("years and months are not always of one length: write days, such as P30D")
    return value


NewDuration = Annotated[Duration, BeforeValidator(_iso_or_seconds)]


class NewWaitStep(WaitStep):
    __doc__ = WaitStep.__doc__
    duration: NewDuration


class NewWaitForClickStep(WaitForClickStep):
    __doc__ = WaitForClickStep.__doc__
    timeout: NewDuration


NewStep = Annotated[SendStep | NewWaitStep | NewWaitForClickStep | EndStep, Field(discriminator="kind")]
"""A step as it may come in. Stored ones may be older than a rule of today, and have to be readable."""


class SequenceCreate(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    name: Name
    steps: list[NewStep] = Field(min_length=1, max_length=100, description="The first one is where an enrollment starts.")
    link_tracking: bool | None = Field(
        None, description="false: links go out unchanged. null or true: as the organization, whose false counts for all."
    )
    utm: Utm | None = Field(
        None, description="Added to every tracked address.", examples=[{"source": "linkwake", "medium": "sms"}]
    )
    utm_overwrite: bool = Field(False, description="true: they replace those that an address has already.")


class SequenceChange(BaseModel):
    """Only what is given changes. `name` and `link_tracking` count at once, the others from the next publish on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"link_tracking": False}]})

    name: Name | None = None
    steps: list[NewStep] | None = Field(None, min_length=1, max_length=100)
    link_tracking: bool | None = None
    utm: Utm | None = None
    utm_overwrite: bool = False

    @field_validator("name", "steps", mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("leave the field out to keep it; it cannot be null")
        return value


class SequenceSummary(BaseModel):
    """`version` is what new enrollments get; null: never published."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    state: SequenceState
    link_tracking: bool | None
    version: int | None
    created_at: datetime
    updated_at: datetime


class SequenceDetail(SequenceSummary):
    steps: list[Step] = Field(description="The draft.")
    utm: Utm | None = Field(description="Of the draft.")
    utm_overwrite: bool
    unpublished_changes: bool = Field(description="The draft differs from the published version.")
    links: list[LinkView] = Field(description="Of the published version.")


class VersionSummary(BaseModel):
    """A published version. It never changes; enrollments stay on the version that they started with."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    sequence_id: UUID
    version: int
    published_at: datetime


class VersionDetail(VersionSummary):
    steps: list[Step]
    utm: Utm | None
    utm_overwrite: bool
    links: list[LinkView]
