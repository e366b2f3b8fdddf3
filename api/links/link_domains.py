"""The organization's link domains: claim one, prove it by a DNS record, use it, release it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.callers.access import needed_role
from api.callers.caller import find_caller
from api.handling.request import Idempotent, OrganizationDep, ServicesDep, SessionDep, area
from api.http.paging import Page, PageDep
from models.errors import Invalid
from models.organizations.link_domain import LinkDomain, Proof, claim_domain, domain_page, get_domain, hold_domain, release_domain
from models.texts.text import Text
from services.link_domains.usable_link_domains import reserved_error
from services.name_servers import txt_records
from tracking.links.hosts import named_host

router = area("link domains")


Host = Annotated[Text, AfterValidator(named_host), Field(min_length=1, max_length=260, examples=["go.example.com"])]
HostPath = Annotated[Text, AfterValidator(named_host), Path(description="The link domain's host.", examples=["go.example.com"])]


class LinkDomainClaim(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"host": "go.example.com"}]})

    host: Host = Field(description="A domain name whose traffic leads to this server's redirect.")


class DnsRecord(BaseModel):
    """The record that proves a link domain. It has to stay until the domain is verified."""

    type: Literal["TXT"] = "TXT"
    name: str = Field(examples=["_linkwake.go.example.com"])
    value: str = Field(examples=["linkwake-domain=0f4e3a6c0f4e3a6c0f4e3a6c0f4e3a6c"])


class LinkDomainView(BaseModel):
    """`held_since` is null while the domain is claimed and waits for its proof."""

    id: UUID
    host: str = Field(examples=["go.example.com"])
    held_since: datetime | None
    proof: Proof | None = Field(description="`dns`: by its record; `operator`: assigned by whoever runs the server.")
    dns_record: DnsRecord
    created_at: datetime


@router.post("/organization/link-domains", status_code=201, dependencies=[Idempotent], summary="Claim a link domain")
async def claim(session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: LinkDomainClaim) -> LinkDomainView:
    """Claim a host for the organization's links. Make the record that the answer names, then verify it.

    Claiming twice is the same as once. 409 when another organization holds it.
    """
    if error := reserved_error(services.settings, body.host, "host"):
        raise Invalid(error.message, [error])
    return _view(await claim_domain(session, caller.id, body.host))


@router.get("/organization/link-domains", summary="List link domains")
async def list_all(session: SessionDep, caller: OrganizationDep, page: PageDep) -> Page[LinkDomainView]:
    """Claimed and held link domains, newest first."""
    rows, after = await domain_page(session, caller.id, page)
    return Page(items=[_view(row) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/organization/link-domains/{host}", summary="Get a link domain")
async def get_one(session: SessionDep, caller: OrganizationDep, host: HostPath) -> LinkDomainView:
    """One link domain with the record that proves it."""
    return _view(await get_domain(session, caller.id, host))


@router.post("/organization/link-domains/{host}/verify", summary="Verify a link domain")
async def verify(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, host: HostPath
) -> LinkDomainView:
    """Look for the DNS record now; when it is there, the organization holds the host. 422 when it is not there (yet)."""
    domain = await get_domain(session, caller.id, host)
    if domain.held_since is not None:
        return _view(domain)
    await session.commit()  # a slow name server must not hold a connection
    if domain.record_value not in await txt_records(domain.record_name, services.settings.dns_servers):
        message = f"There is no TXT record {domain.record_name} with the value {domain.record_value} yet."
        raise Invalid.field("host", message)
    session.expunge_all()  # what is read now must not be what was read before
    await find_caller(request, session, needed_role("link_domains.verify"))  # the key may have been revoked meanwhile
    domain = await get_domain(session, caller.id, host)
    await hold_domain(session, domain, Proof.DNS)
    return _view(domain)


@router.delete("/organization/link-domains/{host}", status_code=204, summary="Release a link domain")
async def release(session: SessionDep, caller: OrganizationDep, host: HostPath) -> None:
    """Give it up: its shared links answer no more, until the organization holds it again. 409 while messages go out with it."""
    await release_domain(session, await get_domain(session, caller.id, host))


def _view(row: LinkDomain) -> LinkDomainView:
    record = DnsRecord(name=row.record_name, value=row.record_value)
    same = {name: getattr(row, name) for name in LinkDomainView.model_fields if name != "dns_record"}
    return LinkDomainView(**same, dns_record=record)
