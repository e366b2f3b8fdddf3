"""Decides which link domains an organization can use: those that it holds, and none of the server's own hosts."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import FieldError
from models.organizations.link_domain import held_hosts, lock_host
from services.link_domains.server_hosts import server_hosts
from settings import Settings
from tracking.links.hosts import host_of


def reserved_error(settings: Settings, host: str, field: str) -> FieldError | None:
    """Returns None when an organization can have this host, and otherwise the reason why not."""
    if host == host_of(settings.effective_link_domain):
        return FieldError(field, "This is the server's own link domain, which everybody uses who has none of their own.")
    if server_hosts(settings).reserve(host):
        return FieldError(field, "This host belongs to a machine or to this server: choose a domain name of your own.")
    return None


async def link_domain_errors(
    session: AsyncSession, settings: Settings, org_id: UUID, link_domain: str | None
) -> list[FieldError]:
    """Returns what is wrong with this organization using the domain. Nobody releases the domain until this transaction ends."""
    if link_domain is None:
        return []
    host = host_of(link_domain)
    if error := reserved_error(settings, host, "link_domain"):
        return [error]
    await lock_host(session, host)
    if await held_hosts(session, [host], org_id):
        return []
    return [
        FieldError(
            "link_domain",
            f"The organization does not hold {host}: claim it with POST /v1/organization/link-domains, and prove it first.",
        )
    ]
