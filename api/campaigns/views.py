"""What requests and answers about campaigns look like."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from api.contacts.routes import ContactView
from api.links.views import LinkView
from api.organization.routes import LinkDomain
from api.triggers.counts import TriggerCountView
from models.campaigns.campaign import Campaign, CampaignState
from models.contacts.input import Tag
from models.messages.message import MessageState
from models.messages.report import ReportKind
from models.sequences.steps.message import MessageTemplate, Utm
from models.texts.text import Name, Text
from models.triggers.definition import MAX_TRIGGERS, TriggerDefinition

EXAMPLE: JsonDict = {
    "name": "Spring offer",
    "channel": "simulator-sms",
    "message": {
        "body": "Hello {{ contact.first_name }}, this is for you: {{ links.offer }}",
        "links": {"offer": "https://www.example.com/offer?from=sms"},
    },
    "audience": {"tags": ["newsletter"], "contact_ids": []},
    "link_tracking": None,
    "triggers": [{"key": "hot", "link": "offer", "actions": [{"kind": "tag", "tags": ["hot"]}]}],
}


MAX_SEGMENTS = 10
"""The most segments that an audience includes, and the most that it excludes."""


class Audience(BaseModel):
    """Contacts that have any of the tags, are in any of the segments, or are named, without those who have an excluded tag or are
    in an excluded segment. Each gets one message."""

    model_config = ConfigDict(extra="forbid")

    tags: list[Tag] = Field(default_factory=list, max_length=100, examples=[["newsletter"]])
    contact_ids: list[UUID] = Field(default_factory=list, max_length=4000)
    segment_ids: list[UUID] = Field(default_factory=list, max_length=MAX_SEGMENTS)
    exclude_tags: list[Tag] = Field(default_factory=list, max_length=100)
    exclude_segment_ids: list[UUID] = Field(default_factory=list, max_length=MAX_SEGMENTS)


class CampaignCreate(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    name: Name
    channel: Text = Field(description="Name of a channel.", examples=["simulator-sms"])
    message: MessageTemplate
    audience: Audience = Field(default_factory=Audience)
    link_tracking: bool | None = Field(
        None, description="false: links go out unchanged. null or true: as the organization, whose false counts for all."
    )
    link_domain: LinkDomain | None = Field(
        None,
        description="Base of this campaign's tracked links; null: as the organization.",
        examples=["https://spring.example.com"],
    )
    utm: Utm | None = Field(
        None, description="Added to every tracked address.", examples=[{"source": "linkwake", "medium": "sms"}]
    )
    utm_overwrite: bool = Field(False, description="true: they replace those that an address has already.")
    triggers: list[TriggerDefinition] = Field(
        default_factory=list, max_length=MAX_TRIGGERS, description="What clicks on the links of its message start."
    )


class CampaignChange(BaseModel):
    """Only what is given changes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Spring offer, second try"}]})

    name: Name | None = None
    channel: Text | None = None
    message: MessageTemplate | None = None
    audience: Audience | None = None
    link_tracking: bool | None = None
    link_domain: LinkDomain | None = None
    utm: Utm | None = None
    utm_overwrite: bool = False
    triggers: list[TriggerDefinition] = Field(default_factory=list, max_length=MAX_TRIGGERS)

    @field_validator("name", "channel", "message", "audience", "triggers", mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("leave the field out to keep it; it cannot be null")
        return value


class CampaignSummary(BaseModel):
    """`messages`: how many are in which state, once it is launched. `reports`: of how many the provider has reported what."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    state: CampaignState
    reason: str | None = Field(description="Why it is stopped or failed.", examples=["terminated in Temporal"])
    channel_id: UUID
    channel: str
    message: MessageTemplate
    audience: Audience
    link_tracking: bool | None
    link_domain: str | None
    utm: Utm | None
    utm_overwrite: bool
    triggers: list[TriggerDefinition]
    links: list[LinkView] = Field(description="Known once it is launched.")
    messages: dict[MessageState, int] = Field(examples=[{"accepted": 198, "skipped": 2}])
    reports: dict[ReportKind, int] = Field(
        description="Each message counts once, by the highest report.", examples=[{"delivered": 190, "bounced": 3}]
    )
    launched_at: datetime | None
    tracking_until: datetime | None = Field(description="Until then its workflow shows clicks. Clicks count for ever.")
    created_at: datetime
    updated_at: datetime


class CampaignDetail(CampaignSummary):
    recipients: int | None = Field(
        description="Contacts in the audience: now, or in the moment of its launch. null: a draft's were not asked for."
    )
    trigger_counts: list[TriggerCountView] = Field(description="How often each trigger fired, and what its actions did.")
    workflow_id: str | None
    temporal_ui_url: str | None


class PreviewRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    contact_id: UUID | None = Field(None, description="Fill the merge fields in for this contact; null: for an invented one.")


NOBODY_IN_PARTICULAR = PreviewRequest()


class UnsavedPreviewRequest(PreviewRequest):
    """The parts of a campaign that its message depends on, whether or not there is such a campaign."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{name: EXAMPLE[name] for name in ("channel", "message")}]},
    )

    channel: Text = Field(description="Name of a channel.", examples=["simulator-sms"])
    message: MessageTemplate
    link_tracking: bool | None = None
    link_domain: LinkDomain | None = None
    utm: Utm | None = None
    utm_overwrite: bool = False


class LaunchFinding(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    field: str = Field(examples=["message.body"])
    message: str = Field(examples=["There is no merge field contact.frist_name."])


class LaunchCheck(BaseModel):
    faults: list[LaunchFinding] = Field(description="What would refuse the launch, apart from an audience without people.")
    warnings: list[LaunchFinding] = Field(description="What would not.")


class LeftOut(BaseModel):
    reason: str = Field(description="The `reason` that the message would have.", examples=["no_phone"])
    people: int = Field(examples=[12])


class AudiencePreview(BaseModel):
    """Of those who are looked at, `gets` and all of `left_out` add up to `looked_at`."""

    found: int | None = Field(description="Contacts in the audience now; null: too many to be counted in time.", examples=[200])
    looked_at: int = Field(description="How many of them were looked at one by one.", examples=[200])
    complete: bool = Field(description="Whether these are all of them. false: there was no more time.", examples=[True])
    gets: int = Field(description="Who would get the message now.", examples=[188])
    left_out: list[LeftOut] = Field(description="Who would not: each counts once, by the first reason that holds. Most first.")
    first: list[ContactView] = Field(description="The first of those who get it.")


class SmsLength(BaseModel):
    """What a provider charges for: the text with its tracked addresses at their real length."""

    model_config = ConfigDict(from_attributes=True)

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int = Field(description="Messages that are sent and paid for.", examples=[1])
    units: int = Field(description="What is counted: 160 in one GSM-7 message, 70 in one UCS-2 message.", examples=[74])


class Preview(BaseModel):
    """Tracked links are shown with a token of the right length that leads nowhere."""

    model_config = ConfigDict(from_attributes=True)

    contact: dict[str, Any] = Field(
        description="Whose fields it was filled in with: `id` null for the invented contact.",
        examples=[{"id": None, "first_name": "Ada", "last_name": "Lovelace"}],
    )
    subject: str | None
    body: str
    html: str | None = Field(description="The HTML part of an e-mail.")
    tracked: bool
    characters: int = Field(description="Of `body`.")
    sms: SmsLength | None = Field(description="Of a text message.")
    faults: list[LaunchFinding] = Field(description="What it lacks to be launched, such as a way to unsubscribe.")


def summary_fields(
    row: Campaign, channel: str, links: list[LinkView], messages: dict[MessageState, int], reports: dict[ReportKind, int]
) -> dict[str, Any]:
    """What the summary and the detail share."""
    given = {"channel": channel, "links": links, "messages": messages, "reports": reports}
    same = {name: getattr(row, name) for name in CampaignSummary.model_fields if name not in given}
    return {**same, **given}
