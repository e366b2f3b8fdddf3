"""Finds whose click it is: the right-most address of `X-Forwarded-For` that is not one of our proxies.

A client can write what it likes into that header, but only to the left of what the proxies add. So the header is read from the
right, and only when the connection itself comes from a trusted proxy.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import AF_INET, inet_pton
from typing import NamedTuple

from api.redirect.answering.link_request import LinkRequest

Address = IPv4Address | IPv6Address


MOST_HOPS = 32
"""The most proxies in a chain that are read."""


class Hop(NamedTuple):
    """`address` is in its usual form. `ours` says that it is one of our proxies."""

    address: str
    ours: bool


class ClientAddress:
    """`trusted` are the networks of our proxies."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted = tuple(trusted)
        self._masks = [(int(each.netmask), int(each.network_address)) for each in trusted if each.version == 4]
        # A handful of proxies make all connections.
        self._peer = lru_cache(maxsize=1024)(self._read)

    def of(self, link_request: LinkRequest) -> str | None:
        """Returns the client's address without a port, or None when it cannot be known."""
        client = self._peer(link_request.peer or "")
        if client is None or not client.ours:
            return client and client.address
        hops = link_request.headers.get("x-forwarded-for", "").rsplit(",", MOST_HOPS)[-MOST_HOPS:]
        for text in map(str.strip, reversed(hops)):
            if not text:
                continue
            hop = self._read(text)
            if hop is None or not hop.ours:
                return hop and hop.address
            client = hop
        return client.address

    def _read(self, text: str) -> Hop | None:
        try:
            packed = inet_pton(AF_INET, text)  # nearly all addresses are written so, and it takes a tenth of the time
        except (OSError, ValueError):
            return self._read_other(text)
        number = int.from_bytes(packed)
        for mask, network in self._masks:
            if number & mask == network:
                return Hop(text, True)
        return Hop(text, False)

    def _read_other(self, text: str) -> Hop | None:
        address = read_address(text)
        return Hop(str(address), any(address in network for network in self._trusted)) if address else None


def read_address(text: str) -> Address | None:
    """Reads addresses as proxies write them, too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. An IPv4 address inside IPv6 becomes an
    IPv4 address."""
    if "%" in text:  # the name of an interface of its own machine, and as long as somebody likes
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
