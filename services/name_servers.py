"""Asks name servers: those of `DNS_SERVERS`, or this machine's."""

from collections.abc import Sequence

from dns.asyncresolver import Resolver
from dns.exception import DNSException
from dns.nameserver import Do53Nameserver
from dns.rdtypes.ANY.TXT import TXT
from dns.resolver import NXDOMAIN, NoAnswer

from models.errors import Unavailable
from settings import NameServer

ANSWER_SECONDS = 5.0
"""Seconds of silence after which a name server counts as away."""


async def records(name: str, kind: str, servers: Sequence[NameServer] | None) -> list[str]:
    """Returns the records of this kind (`MX`, `A`, `PTR` …) as text, in any order, and nothing when the name has no such
    records. With `servers` None it asks those of this machine. Raises Unavailable when no name server answers."""
    try:
        answer = await _resolver(servers).resolve(name, kind, lifetime=ANSWER_SECONDS, search=False)
    except (NXDOMAIN, NoAnswer):
        return []
    except (DNSException, OSError) as error:
        raise Unavailable(
            "No name server answers, so the record could not be looked up. Send the request again later."
        ) from error
    return [_text(record) for record in answer]


async def txt_records(name: str, servers: Sequence[NameServer] | None) -> list[str]:
    """Returns the texts at this name, each in one piece."""
    return await records(name, "TXT", servers)


def _text(record: object) -> str:
    return b"".join(record.strings).decode(errors="replace") if isinstance(record, TXT) else str(record)


def _resolver(servers: Sequence[NameServer] | None) -> Resolver:
    resolver = Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [Do53Nameserver(server.host, server.port) for server in servers]
    return resolver
