"""The caller's organization and its settings."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from models.channels.channel import Medium
from models.contacts.lock import lock_keys
from models.contacts.shared_mailboxes import stop_sharing
from models.organizations.limits import Limits
from models.organizations.organization import OptOutScope, Organization, WordsAnswered
from models.organizations.retention import LEAST_DAYS, MOST_DAYS
from models.organizations.time_zone import TimeZone
from models.texts.text import Name, Text
from services.contents.compile_content import refuse
from services.link_domains.server_hosts import own_address_errors
from services.link_domains.usable_link_domains import link_domain_errors
from settings import Settings, base_address
from tracking.links.destination import check_destination

router = area("organization")


LinkDomain = Annotated[Text, AfterValidator(base_address), Field(min_length=1, max_length=200)]
Destination = Annotated[Text, AfterValidator(check_destination), Field(min_length=1, max_length=2000)]


CONSENT_REQUIRED = "Media whose marketing goes only to contacts who have opted in: sms, email."
OPT_OUT_SCOPE = "What an opt-out covers that does not say it itself: everything, its medium, or its channel."
SHARED_MAILBOXES = "Several contacts may have one e-mail address: external_id and phone say who is who."
ANSWERS_WORDS = "Who confirms STOP, START and HELP by SMS: by_us, or by_provider when the provider does it itself."
RETENTION = "Clicks older than this lose their rows for good, and stay in all totals; null: all rows are kept."


class OrganizationView(BaseModel):
    """`link_tracking` and `link_tracking_metadata` hold for everything below; a campaign can only switch further off."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str = Field(examples=["Example Shop"])
    link_tracking: bool = Field(description="false: links go out unchanged. Links already sent keep working for ever.")
    link_tracking_metadata: bool = Field(description="false: no location, device, address or user agent is kept of a click.")
    link_domain: str | None = Field(
        description="Base of tracked links; null: the server's own.", examples=["https://go.example.com"]
    )
    fallback_url: str | None = Field(
        description="Where unknown links on the own link domains lead; null: a plain 404 page.",
        examples=["https://www.example.com/"],
    )
    time_zone: str = Field(examples=["Europe/Berlin"])
    consent_required: list[str] = Field(description=CONSENT_REQUIRED, examples=[["sms"]])
    opt_out_scope: str = Field(description=OPT_OUT_SCOPE, examples=["everything"])
    answers_words: str = Field(description=ANSWERS_WORDS, examples=["by_us"])
    shared_mailboxes: bool
    click_retention_days: int | None = Field(description=RETENTION, examples=[365])
    limits: Limits = Field(description="What the organization may have; whoever runs the server can change it.")
    created_at: datetime


class OrganizationChange(BaseModel):
    """Only what is given changes."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"time_zone": "Europe/Berlin", "link_tracking_metadata": False}]}
    )

    name: Name | None = None
    link_tracking: bool | None = Field(None, strict=True)
    link_tracking_metadata: bool | None = Field(None, strict=True)
    link_domain: LinkDomain | None = Field(
        None,
        description="On a link domain that the organization holds (`/v1/organization/link-domains`). null: the server's own.",
        examples=["https://go.example.com"],
    )
    fallback_url: Destination | None = Field(
        None,
        description="Where unknown links on the organization's and its campaigns' own link domains lead; null: a plain 404 page.",
        examples=["https://www.example.com/"],
    )
    time_zone: TimeZone | None = None
    consent_required: list[Medium] | None = Field(None, max_length=len(Medium), description=CONSENT_REQUIRED)
    opt_out_scope: OptOutScope | None = Field(None, description=OPT_OUT_SCOPE)
    answers_words: WordsAnswered | None = Field(None, description=ANSWERS_WORDS)
    shared_mailboxes: bool | None = Field(None, strict=True, description=SHARED_MAILBOXES)
    click_retention_days: int | None = Field(None, strict=True, ge=LEAST_DAYS, le=MOST_DAYS, description=RETENTION)

    @field_validator(
        "name",
        "link_tracking",
        "link_tracking_metadata",
        "time_zone",
        "consent_required",
        "opt_out_scope",
        "answers_words",
        "shared_mailboxes",
        mode="before",
    )
    @classmethod
    def _given(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("leave the field out to keep it; it cannot be null")
        return value

    @field_validator("consent_required")
    @classmethod
    def _each_once(cls, value: list[Medium]) -> list[Medium]:
        return list(dict.fromkeys(value))


@router.get("/organization", summary="Get the organization")
async def get_one(caller: OrganizationDep, services: ServicesDep) -> OrganizationView:
    """The organization that the API key belongs to."""
    return _view(caller, services.settings)


@router.patch("/organization", summary="Change the organization")
async def change(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: OrganizationChange
) -> OrganizationView:
    """Change settings. They hold for messages planned and clicks made from now on."""
    await session.refresh(caller, with_for_update={"key_share": True})  # it was read before the body arrived
    errors = await link_domain_errors(session, services.settings, caller.id, body.link_domain)
    errors += await own_address_errors(session, services.settings, [("fallback_url", body.fallback_url)])
    refuse(errors, "The organization cannot be changed")
    if body.shared_mailboxes is not None and body.shared_mailboxes != caller.shared_mailboxes:
        await (stop_sharing if caller.shared_mailboxes else lock_keys)(session, caller.id)
    for field in body.model_fields_set:
        setattr(caller, field, getattr(body, field))
    return _view(caller, services.settings)


def _view(row: Organization, settings: Settings) -> OrganizationView:
    return OrganizationView.model_validate({**row.model_dump(), "limits": Limits.of(settings, row.limits)})
