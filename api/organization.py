"""The caller's organization and its settings."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import ada_url
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from api.link_domain import link_domain_errors
from api.request import OrganizationDep, ServicesDep, SessionDep, area
from models.errors import Invalid
from models.text import Name, Text
from models.time_zone import TimeZone
from tracking.destination import check_destination

router = area("organization")


def base_address(text: str) -> str:
    """The base of tracked links, without a slash at the end: the token follows after one."""
    problem = "Write a base address such as https://go.example.com, without user name, path, query or fragment."
    try:
        url = ada_url.URL(text.strip())
    except ValueError:
        raise ValueError(problem) from None
    # Characters and not only parts, because an empty query or fragment (a last ? or #) is none to the parser.
    more = url.username or url.password or url.pathname != "/" or "?" in text or "#" in text
    if url.protocol not in {"http:", "https:"} or more:
        raise ValueError(problem)
    return str(url.origin)


LinkDomain = Annotated[Text, AfterValidator(base_address), Field(min_length=1, max_length=200)]
Destination = Annotated[Text, AfterValidator(check_destination), Field(min_length=1, max_length=2000)]


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
        None, description="It has to lead to this server's redirect. null: the server's own.", examples=["https://go.example.com"]
    )
    fallback_url: Destination | None = Field(
        None,
        description="Where unknown links on the organization's and its campaigns' own link domains lead; null: a plain 404 page.",
        examples=["https://www.example.com/"],
    )
    time_zone: TimeZone | None = None

    @field_validator("name", "link_tracking", "link_tracking_metadata", "time_zone", mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("leave the field out to keep it; it cannot be null")
        return value


@router.get("/organization")
async def get_organization(caller: OrganizationDep) -> OrganizationView:
    """The organization that the API key belongs to."""
    return OrganizationView.model_validate(caller)


@router.patch("/organization")
async def change_organization(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: OrganizationChange
) -> OrganizationView:
    """Change settings. They hold for messages planned and clicks made from now on."""
    await session.refresh(caller, with_for_update={"key_share": True})  # it was read before the body came
    if errors := await link_domain_errors(session, services.settings, caller.id, body.link_domain):
        raise Invalid(errors[0].message, errors)
    for field in body.model_fields_set:
        setattr(caller, field, getattr(body, field))
    return OrganizationView.model_validate(caller)
