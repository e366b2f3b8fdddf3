"""A link domain: a host on which one organization's links stand.

It is claimed, proven by a DNS record or assigned by the operator, and then held until it is released. Only the holder's slugs,
fallback and messages answer on it.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Index, String, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.campaigns.campaign import Campaign, CampaignState
from models.errors import Conflict, ConflictCode, NotFound
from models.organizations.one_at_a_time import one_at_a_time
from models.organizations.organization import Organization
from models.paging import PageRequest, newest_first

MAX_DOMAINS = 20
"""Claimed or held by one organization."""


class Proof(StrEnum):
    """How it was shown that a host is the organization's."""

    DNS = "dns"
    OPERATOR = "operator"


class LinkDomain(SQLModel, table=True):
    """`secret` is what the DNS record has to contain. Several organizations can claim a host; one at most holds it."""

    __tablename__ = "link_domain"
    __table_args__ = (
        Index("uq_link_domain_org_id_host", "org_id", "host", unique=True),
        Index("uq_link_domain_held", "host", unique=True, postgresql_where=text("held_since IS NOT NULL")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    host: str
    secret: str = Field(default_factory=lambda: secrets.token_hex(16))
    proof: Proof | None = Field(default=None, sa_type=String)
    held_since: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)

    @property
    def record_name(self) -> str:
        """The name of the DNS record with the proof. It is a name beside the host, because a host with a CNAME has no other
        record."""
        return f"_linkwake.{self.host}"

    @property
    def record_value(self) -> str:
        return f"linkwake-domain={self.secret}"


class Holder(NamedTuple):
    """The organization that holds a host, and where unknown links on that host lead."""

    host: str
    org_id: UUID
    fallback_url: str | None


HOLDERS = """
SELECT domain.host, domain.org_id, organization.fallback_url
FROM link_domain domain JOIN organization ON organization.id = domain.org_id WHERE domain.held_since IS NOT NULL
"""

# A host is changed by one transaction at a time, and the second one sees what the first one has done.
LOCK_HOST = "SELECT pg_advisory_xact_lock(hashtextextended('link domain ' || :host, 0))"


async def holders(session: AsyncSession) -> Sequence[Holder]:
    return [Holder(*row) for row in await session.execute(text(HOLDERS))]


async def held_hosts(session: AsyncSession, hosts: Collection[str], org_id: UUID | None = None) -> set[str]:
    """Returns those of `hosts` that somebody holds; with `org_id`, those that this organization holds."""
    statement = select(col(LinkDomain.host)).where(col(LinkDomain.host).in_(hosts), col(LinkDomain.held_since).is_not(None))
    if org_id is not None:
        statement = statement.where(col(LinkDomain.org_id) == org_id)
    return set(await session.scalars(statement)) if hosts else set()


async def lock_host(session: AsyncSession, host: str) -> None:
    """Until this transaction ends, nobody else takes, uses or releases this host."""
    await session.execute(text(LOCK_HOST), {"host": host})


async def claim_domain(session: AsyncSession, org_id: UUID, host: str) -> LinkDomain:
    """Creates a claim that is to be proven. Claiming twice is the same as once. Raises Conflict when another organization holds
    the host."""
    await lock_host(session, host)
    if known := await _find(session, org_id, host):
        return known
    await one_at_a_time(session, org_id, "link domains")
    await _refuse_held_by_another(session, org_id, host)
    claimed = select(func.count()).select_from(LinkDomain).where(col(LinkDomain.org_id) == org_id)
    if (await session.scalar(claimed) or 0) >= MAX_DOMAINS:
        raise Conflict(
            ConflictCode.TOO_MANY_LINK_DOMAINS, f"An organization has at most {MAX_DOMAINS} link domains: release one first."
        )
    row = LinkDomain(org_id=org_id, host=host)
    session.add(row)
    await session.flush()
    return row


async def hold_domain(session: AsyncSession, domain: LinkDomain, proof: Proof) -> None:
    """Marks the claim as proven: from now on links answer there. Raises Conflict when another organization was first."""
    await lock_host(session, domain.host)
    await _refuse_held_by_another(session, domain.org_id, domain.host)
    if domain.held_since is None:
        domain.proof, domain.held_since = proof, now()
    await session.flush()


async def get_domain(session: AsyncSession, org_id: UUID, host: str) -> LinkDomain:
    row = await _find(session, org_id, host)
    if row is None:
        raise NotFound("No such link domain.")
    return row


async def holder_of(session: AsyncSession, host: str) -> LinkDomain | None:
    """For the command line alone."""
    statement = select(LinkDomain).where(col(LinkDomain.host) == host, col(LinkDomain.held_since).is_not(None))
    return (await session.scalars(statement)).first()


async def domain_page(session: AsyncSession, org_id: UUID, page: PageRequest) -> tuple[list[LinkDomain], UUID | None]:
    return await newest_first(session, select(LinkDomain).where(col(LinkDomain.org_id) == org_id), col(LinkDomain.id), page)


async def all_domains(session: AsyncSession) -> list[LinkDomain]:
    """Returns those of all organizations in the order of their hosts, for the command line alone."""
    return list(await session.scalars(select(LinkDomain).order_by(col(LinkDomain.host), col(LinkDomain.id))))


async def release_domain(session: AsyncSession, domain: LinkDomain) -> None:
    """The organization's slugs stop answering and the host is free for others. Raises Conflict while messages can still be sent
    with it."""
    await lock_host(session, domain.host)
    if users := await _users(session, domain):
        raise Conflict(
            ConflictCode.LINK_DOMAIN_USED, f"Messages go out with this link domain: {', '.join(users)}. Change that first."
        )
    await session.delete(domain)
    await session.flush()


async def take_domain_away(session: AsyncSession, domain: LinkDomain) -> None:
    """The operator's release: messages with this domain use the organization's or the server's own from now on."""
    await lock_host(session, domain.host)
    organization = await session.get_one(Organization, domain.org_id, with_for_update={"key_share": True})
    if _is_on(domain.host, organization.link_domain):
        organization.link_domain = None
    for campaign in await _campaigns(session, domain):
        campaign.link_domain = None
    await session.delete(domain)
    await session.flush()


async def _users(session: AsyncSession, domain: LinkDomain) -> list[str]:
    organization = await session.get_one(Organization, domain.org_id, populate_existing=True)
    own = ["the organization's link_domain"] if _is_on(domain.host, organization.link_domain) else []
    return own + [f"campaign {campaign.id}" for campaign in await _campaigns(session, domain)]


async def _campaigns(session: AsyncSession, domain: LinkDomain) -> list[Campaign]:
    """Returns what is still sending with this domain. A draft is checked again when it is launched."""
    statement = select(Campaign).where(
        col(Campaign.org_id) == domain.org_id,
        col(Campaign.state) == CampaignState.SENDING,
        col(Campaign.link_domain).is_not(None),
    )
    return [row for row in await session.scalars(statement) if _is_on(domain.host, row.link_domain)]


def _is_on(host: str, base: str | None) -> bool:
    """Returns `base` as `link_domain` columns hold it: scheme, host, and a port unless it is the scheme's own."""
    return base is not None and base.partition("://")[2].partition(":")[0].removesuffix(".") == host


async def _find(session: AsyncSession, org_id: UUID, host: str) -> LinkDomain | None:
    statement = select(LinkDomain).where(col(LinkDomain.org_id) == org_id, col(LinkDomain.host) == host)
    return (await session.scalars(statement.execution_options(populate_existing=True))).first()


async def _refuse_held_by_another(session: AsyncSession, org_id: UUID, host: str) -> None:
    statement = select(col(LinkDomain.org_id)).where(col(LinkDomain.host) == host, col(LinkDomain.held_since).is_not(None))
    if await session.scalar(statement) not in (None, org_id):
        raise Conflict(
            ConflictCode.LINK_DOMAIN_TAKEN,
            "Another organization holds this link domain. If it is yours, ask whoever runs this server to take it away there.",
        )
