"""Whose click it is: the right-most address of `X-Forwarded-For` that is not one of our proxies.

A client can write what it likes into that header, but only to the left of what the proxies add. So the header is read from
the right, and only when the connection itself comes from a trusted proxy.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from api.redirect.visit import Visit

Address = IPv4Address | IPv6Address


class ClientAddress:
    """`trusted`: the networks of our proxies."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted = tuple(trusted)
        # A handful of proxies make all connections.
        self._trusts = lru_cache(maxsize=1024)(self._is_trusted)
        self._reads = lru_cache(maxsize=1024)(read_address)

    def of(self, visit: Visit) -> str | None:
        """The client's address without a port; None when it cannot be known."""
        peer = self._reads(visit.peer or "")
        if peer is None or not self._trusts(peer):
            return str(peer) if peer else None
        client = peer
        for hop in reversed(visit.headers.get("x-forwarded-for", "").split(",")):
            if not hop.strip():
                continue
            address = read_address(hop.strip())
            if address is None or not self._trusts(address):
                return str(address) if address else None
            client = address
        return str(client)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def read_address(text: str) -> Address | None:
    """Also as proxies write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`. An IPv4 address inside IPv6 is an IPv4 address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
