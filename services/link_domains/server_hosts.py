"""The hosts of this server, and whether an address leads back to it."""

import socket
from collections.abc import Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import FieldError, Invalid
from models.organizations.link_domain import held_hosts
from models.sequences.steps.message import MessageTemplate
from settings import Settings, SettingsError
from tracking.links.destination import MAX_LENGTH
from tracking.links.hosts import Endpoint, ServerHosts, endpoint_of, host_of, is_this_machine
from tracking.links.links import Link

LEADS_BACK = (
    "This address is on a link domain of this server, so the link could lead to itself: write the address of the page it is for."
)


def server_hosts(settings: Settings) -> ServerHosts:
    """Returns all hosts of the server: those of SERVER_HOSTS, of its own addresses, and of this machine on the server's ports,
    which include Temporal's when it runs on this machine too."""
    ui = settings.effective_temporal_ui_url
    addresses = [settings.effective_link_domain, *([ui] if ui else []), *_temporal(settings)]
    names = [*(settings.server_hosts or ()), socket.gethostname()]
    metrics = [settings.worker_metrics_port] if settings.worker_metrics_port else []
    return ServerHosts(addresses, names, (settings.api_port, settings.redirect_port, *metrics))


def _temporal(settings: Settings) -> list[str]:
    """Returns its address when that is this machine's. A server elsewhere is not ours alone, and no browser speaks to it."""
    try:
        address = f"http://{settings.effective_temporal_address}/"
        return [address] if is_this_machine(host_of(address)) else []
    except (SettingsError, ValueError):
        return []


async def refuse_own_addresses(session: AsyncSession, settings: Settings, addresses: Mapping[str, str | None]) -> None:
    """Raises Invalid when one of these fields has an address that leads back here."""
    if errors := await own_address_errors(session, settings, addresses.items()):
        raise Invalid(errors[0].message, errors)


async def own_address_errors(
    session: AsyncSession, settings: Settings, addresses: Iterable[tuple[str, str | None]]
) -> list[FieldError]:
    """Returns an error for each (field, address) that is on a host of the server or on a link domain that any organization
    holds."""
    endpoints = [(field, endpoint) for field, address in addresses if (endpoint := _endpoint(address)) is not None]
    held = await held_hosts(session, {endpoint.host for _, endpoint in endpoints})
    ours = server_hosts(settings)
    return [FieldError(field, LEADS_BACK) for field, endpoint in endpoints if endpoint.host in held or ours.are(endpoint)]


def named_addresses(message: MessageTemplate, path: str) -> list[tuple[str, str | None]]:
    """Returns what can be judged of a message when it is saved, although its text may still lack some of its links."""
    return [(f"{path}.links.{name}", url) for name, url in message.links.items()]


def addresses_in(message: MessageTemplate, links: Iterable[Link], path: str) -> list[tuple[str, str | None]]:
    """Returns the destinations of a compiled message, each with the field in which it was written."""
    return [(_written_in(message, link, path), link.url) for link in links]


def _written_in(message: MessageTemplate, link: Link, path: str) -> str:
    if link.name in message.links:
        return f"{path}.links.{link.name}"
    in_text = message.html is None or link.written in (message.body or "")
    return f"{path}.body" if in_text else f"{path}.html"


def _endpoint(address: str | None) -> Endpoint | None:
    """Returns None when there is no address, when it is longer than any destination may be, or when its host has merge fields, so
    that only the redirect can see where it leads."""
    try:
        return endpoint_of(address) if address and len(address) <= MAX_LENGTH else None
    except ValueError:
        return None
