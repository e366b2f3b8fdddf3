"""Shareable links: each has a readable slug, for a poster, a profile or a chat. Clicks are kept like others, without a
contact."""

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.request import Idempotent, OrganizationDep, ServicesDep, SessionDep, area
from api.http.paging import Page, PageDep
from api.organization.routes import Destination
from models.clicks.click import Scope
from models.clicks.verdict import Verdict
from models.errors import FieldError, Invalid
from models.links.shared_link import (
    SharedLink,
    add_shared_link,
    change_shared_link,
    delete_shared_link,
    get_shared_link,
    shared_link_page,
)
from models.links.tracked_links import Clicked, count_clicked
from models.organizations.limits import Limits
from models.organizations.link_domain import held_hosts
from models.organizations.organization import Organization
from models.organizations.quotas import take_contents
from models.sequences.steps.message import Utm
from models.texts.text import Form, Name, Text
from services.link_domains.server_hosts import own_address_errors, refuse_own_addresses
from settings import Settings
from tracking.links.destination import DestinationError, check_destination
from tracking.links.hosts import host_of
from tracking.links.utm import add_utm, check_utm_value
from tracking.templates.merge import has_fields
from tracking.templates.source import SourceError

router = area("shared links")

TOKEN_SHAPE = re.compile(r"[0-9A-Za-z]{14}")
OURS = frozenset({"health", "metrics", "robots", "favicon", "unsubscribe"})


def _possible(slug: str) -> str:
    if TOKEN_SHAPE.fullmatch(slug):
        raise ValueError("14 letters and digits look like the token of a message's link: use another length, or a - or _")
    if slug.lower() in OURS:
        raise ValueError("this is a page of the server itself: choose another slug")
    return slug


Slug = Annotated[
    Text,
    Field(examples=["spring-sale"]),
    Form(
        r"^[A-Za-z0-9][A-Za-z0-9_-]{2,62}$",
        "Write letters A-Z and a-z, digits, - and _, beginning with a letter or a digit: at least 3, at most 63.",
    ),
    AfterValidator(_possible),
]
LinkName = Annotated[Name, Field(examples=["Poster in the shop"])]


class SharedLinkCreate(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"slug": "spring-sale", "destination": "https://www.example.com/spring", "utm": {"source": "poster"}}]
        },
    )

    slug: Slug = Field(description="What stands behind the link domain. It never changes. Capitals count.")
    destination: Destination
    name: LinkName | None = None
    utm: Utm | None = Field(None, description="Added to the destination; without merge fields.")
    utm_overwrite: bool = Field(False, description="true: they replace those that the destination has already.")
    active: bool = Field(True, description="false: the link is unknown to whoever clicks it.")


class SharedLinkChange(BaseModel):
    """Only the given fields are changed. Clicks follow a moment later."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"active": False}]})

    destination: Destination | None = None
    name: LinkName | None = None
    utm: Utm | None = None
    utm_overwrite: bool = False
    active: bool = True

    @field_validator("destination", mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("leave the field out to keep it; it cannot be null")
        return value


class Obstacle(StrEnum):
    """What keeps a shared link from working. `off`: it is not active. `domain_not_held`: the organization does not hold the link
    domain that it was made for. `leads_back`: its destination has become an address of this server, as a new link domain."""

    OFF = "off"
    DOMAIN_NOT_HELD = "domain_not_held"
    LEADS_BACK = "leads_back"


class SharedLinkView(BaseModel):
    """`id` is also what `/v1/links/{id}/analytics` and `/v1/clicks?link_id=` take. `works`: nothing keeps it from leading on."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    slug: str
    url: str = Field(description="The link to share.", examples=["https://go.example.com/spring-sale"])
    destination: str = Field(examples=["https://www.example.com/spring"])
    leads_to: str = Field(description="With UTM parameters.", examples=["https://www.example.com/spring?utm_source=poster"])
    name: str | None
    utm: Utm | None
    utm_overwrite: bool
    active: bool
    works: bool
    obstacle: Obstacle | None = Field(description="What keeps it from working; null: it works.")
    human_clicks: int = Field(examples=[70])
    suspect_clicks: int = Field(examples=[0])
    bot_clicks: int = Field(examples=[5])
    created_at: datetime
    updated_at: datetime


@router.post("/shared-links", status_code=201, dependencies=[Idempotent], summary="Create a shared link")
async def create(session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: SharedLinkCreate) -> SharedLinkView:
    """A new link on the organization's link domain. 409 when its slug is taken there."""
    domain = host_of(caller.link_domain) if caller.link_domain else ""
    shared = SharedLink(org_id=caller.id, content_id=0, domain=domain, **body.model_dump(mode="json"))
    await refuse_own_addresses(session, services.settings, {"destination": body.destination})
    url = leads_to(shared)
    await take_contents(session, caller.id, 1, Limits.of(services.settings, caller.limits))
    await add_shared_link(session, shared, url)
    return await _view(session, shared, caller, services.settings)


@router.get("/shared-links", summary="List shared links")
async def list_all(session: SessionDep, caller: OrganizationDep, services: ServicesDep, page: PageDep) -> Page[SharedLinkView]:
    """Shared links, newest first."""
    rows, after = await shared_link_page(session, caller.id, page)
    return Page(items=await _views(session, rows, caller, services.settings), next_cursor=page.next_cursor(after))


@router.get("/shared-links/{shared_link_id}", summary="Get a shared link")
async def get_one(session: SessionDep, caller: OrganizationDep, services: ServicesDep, shared_link_id: UUID) -> SharedLinkView:
    """One shared link."""
    return await _view(session, await get_shared_link(session, caller.id, shared_link_id), caller, services.settings)


@router.patch("/shared-links/{shared_link_id}", summary="Change a shared link")
async def change(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, shared_link_id: UUID, body: SharedLinkChange
) -> SharedLinkView:
    """Change where it leads, its name or whether it works."""
    shared = await get_shared_link(session, caller.id, shared_link_id, lock=True)
    for field, value in body.model_dump(mode="json", exclude_unset=True).items():
        setattr(shared, field, value)
    await refuse_own_addresses(session, services.settings, {"destination": body.destination})
    await change_shared_link(session, shared, leads_to(shared))
    return await _view(session, shared, caller, services.settings)


@router.delete("/shared-links/{shared_link_id}", status_code=204, summary="Delete a shared link")
async def delete(session: SessionDep, caller: OrganizationDep, shared_link_id: UUID) -> None:
    """Delete it: unknown from now on, its slug is free again. Its clicks stay on record."""
    await delete_shared_link(session, await get_shared_link(session, caller.id, shared_link_id, lock=True))


def leads_to(shared: SharedLink) -> str:
    """Returns the destination with its UTM parameters. Raises Invalid when it is not an address."""
    utm = Utm.model_validate(shared.utm).parameters() if shared.utm else {}
    errors = [error for name, value in utm.items() if (error := _utm_error(name, value))]
    if errors:
        raise Invalid("The shared link cannot be saved: see the UTM parameters.", errors)
    try:
        return check_destination(add_utm(shared.destination, utm, shared.utm_overwrite))
    except DestinationError as error:
        raise Invalid.field("destination", f"With its UTM parameters: {error}") from error


def _utm_error(name: str, value: str) -> FieldError | None:
    field = f"utm.{name.removeprefix('utm_')}"
    try:
        check_utm_value(value)
        fields = has_fields(value)
    except SourceError as error:
        return FieldError(field, error.message)
    return FieldError(field, "A shared link belongs to no contact: merge fields are not possible.") if fields else None


async def _views(
    session: AsyncSession, rows: Sequence[SharedLink], organization: Organization, settings: Settings
) -> list[SharedLinkView]:
    held = await held_hosts(session, {row.domain for row in rows if row.domain}, organization.id)
    back = await own_address_errors(session, settings, [(str(row.id), row.destination) for row in rows])
    obstacles = {UUID(error.field): Obstacle.LEADS_BACK for error in back}
    obstacles |= {row.id: Obstacle.DOMAIN_NOT_HELD for row in rows if row.domain and row.domain not in held}
    obstacles |= {row.id: Obstacle.OFF for row in rows if not row.active}
    clicked = await count_clicked(session, [(Scope.LINK.value, row.id, row.id) for row in rows])
    return [_shown(row, organization, settings, obstacles.get(row.id), clicked[row.id]) for row in rows]


async def _view(session: AsyncSession, row: SharedLink, organization: Organization, settings: Settings) -> SharedLinkView:
    (view,) = await _views(session, [row], organization, settings)
    return view


def _shown(
    shared: SharedLink, organization: Organization, settings: Settings, obstacle: Obstacle | None, clicked: Clicked
) -> SharedLinkView:
    base = f"https://{shared.domain}" if shared.domain else settings.effective_link_domain
    if organization.link_domain and host_of(organization.link_domain) == shared.domain:
        base = organization.link_domain
    more: dict[str, object] = {"url": f"{base.rstrip('/')}/{shared.slug}", "leads_to": leads_to(shared)}
    more |= {"works": obstacle is None, "obstacle": obstacle}
    more |= {f"{each.value}_clicks": clicked.clicks.get(each, 0) for each in Verdict}
    return SharedLinkView.model_validate({**shared.model_dump(), **more})
