"""Addresses of notification targets: what may be stored, what may be shown of it, and how it is encrypted."""

from typing import NamedTuple
from uuid import UUID

from models.errors import Invalid
from services.notifications.apprise import AddressFacts, Apprise, NotSent, UnusableAddress
from services.notifications.services import service_of
from services.secrets.secrets import Place
from services.way_out.errors import WayOutError
from services.way_out.way_out import WayOut


class Judged(NamedTuple):
    """`service` is what people call it, `shown` the part of the address that is no secret."""

    service: str
    shown: str


def address_place(org_id: UUID, target_id: UUID) -> Place:
    return Place("notification_target.address", org_id, target_id)


async def judge_address(apprise: Apprise, way_out: WayOut, address: str) -> Judged:
    """Raises Invalid for an address that is not of a known kind, or whose host cannot or may not be reached."""
    try:
        facts = await apprise.look(address)
        if facts.host is not None:
            await way_out.check(facts.host, facts.port or 443, secure=_is_encrypted(facts))
    except (UnusableAddress, WayOutError, NotSent) as error:
        raise Invalid.field("address", str(error)) from None
    service = service_of(facts.scheme)
    name = service.name if service else facts.scheme
    return Judged(name, _shown(facts))


def _is_encrypted(facts: AddressFacts) -> bool:
    return facts.mail.security != "none" if facts.mail else facts.secure


def _shown(facts: AddressFacts) -> str:
    """Returns scheme and host. All the rest can hold secrets."""
    scheme = facts.scheme if _is_encrypted(facts) or facts.host is None else facts.scheme.removesuffix("s")
    port = f":{facts.port}" if facts.port else ""
    host = f"[{facts.host}]" if facts.host and ":" in facts.host else facts.host
    return f"{scheme}://{host}{port}/…" if host else f"{scheme}://…"
