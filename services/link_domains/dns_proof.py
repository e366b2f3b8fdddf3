"""Looks for the DNS record that proves a link domain."""

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


async def txt_records(name: str, servers: Sequence[NameServer] | None) -> list[str]:
    """Returns the texts at this name, in any order, and nothing when the name has no texts. With `servers` None it asks those of
    this machine. Raises Unavailable when no name server answers."""
    try:
        answer = await _resolver(servers).resolve(name, "TXT", lifetime=ANSWER_SECONDS, search=False)
    except (NXDOMAIN, NoAnswer):
        return []
    except (DNSException, OSError) as error:
        raise Unavailable(
            "No name server answers, so the record could not be looked up. Send the request again later."
        ) from error
    return [b"".join(record.strings).decode(errors="replace") for record in answer if isinstance(record, TXT)]


def _resolver(servers: Sequence[NameServer] | None) -> Resolver:
    resolver = Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [Do53Nameserver(server.host, server.port) for server in servers]
    return resolver
