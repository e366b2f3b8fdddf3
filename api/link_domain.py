"""Whose a link domain is: unknown links and slugs on a host belong to one organization, or to the server. A draft holds none, so
that a campaign is asked again when it is launched."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import FieldError
from models.shared_link import link_domains, lock_link_domain
from settings import Settings
from tracking.hosts import host_of


async def link_domain_errors(
    session: AsyncSession, settings: Settings, org_id: UUID, link_domain: str | None
) -> list[FieldError]:
    """What is wrong with this organization using it."""
    if link_domain is None:
        return []
    host = host_of(link_domain)
    if host == host_of(settings.effective_link_domain):
        return [FieldError("link_domain", "This is the server's own link domain: null uses it.")]
    await lock_link_domain(session, host)  # of two who want it at once, the second one sees the first one's
    if any(row.org_id != org_id and host_of(row.link_domain) == host for row in await link_domains(session)):
        return [FieldError("link_domain", "Another organization uses this link domain: choose one of your own.")]
    return []
