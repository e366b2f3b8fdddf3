"""Hosts in one form, so that those of link domains, destinations and requests can be compared.

A host is a name without its port: whoever holds a name holds it on every port, because a link's scheme and port say nothing about
its owner.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from ada_url import URL

from tracking.links.destination import check_destination

_DEFAULT_PORTS = {"http:": 80, "https:": 443}

_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")

_MACHINE_NAMES = frozenset(
    [
        "ip6-localhost",
        "ip6-loopback",
        *(f"{name}{end}" for name in ("localhost", "localhost4", "localhost6") for end in ("", ".localdomain")),
        "localhost4.localdomain4",
        "localhost6.localdomain6",
    ]
)
"""The names, in lower case, that `/etc/hosts` of Debian, Fedora and their relatives gives the machine itself."""


class Endpoint(NamedTuple):
    """Host and port to which an address leads. The host is in lower-case ASCII, without a dot at the end."""

    host: str
    port: int


_PLAIN_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?=[/?#]|\Z)")
"""Matches the beginning of an address that decides where it leads, whatever path and query follow."""


def endpoint_of(address: str) -> Endpoint:
    """`https://Go.Example.com.:8443/` leads to `go.example.com` and 8443. Raises ValueError for a text that is not an address.

    The redirect calls this for every click. Addresses are many and their origins few, so the results are remembered by origin.
    """
    origin = _PLAIN_ORIGIN.match(address)
    return _endpoint_of(origin[0] if origin else address)


@lru_cache(maxsize=4096)
def _endpoint_of(address: str) -> Endpoint:
    url = URL(address)
    host = str(url.hostname).removesuffix(".")
    port = int(url.port) if url.port else _DEFAULT_PORTS.get(url.protocol, 0)
    inside = ip_of(host) if host.startswith("[") else None
    return Endpoint(str(inside) if isinstance(inside, IPv4Address) else host, port)


def host_of(address: str) -> str:
    """Returns the host of an address: `https://Go.Example.com:8443/` has the host `go.example.com`."""
    return endpoint_of(address).host


def named_host(text: str) -> str:
    """Returns the host that a person has written, alone or as an address. Raises ValueError, with a sentence, for a text that is
    not a host."""
    try:
        return host_of(check_destination(text if "://" in text else f"https://{text}/"))
    except ValueError as error:
        raise ValueError("Write a domain name such as go.example.com.") from error


@lru_cache(maxsize=4096)
def as_host(header: str) -> str:
    """Returns a `Host` header in the same form."""
    name = header.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].removesuffix(".")


def is_asked_for(endpoint: Endpoint, header: str) -> bool:
    """Whether a request with this `Host` header came to this host and port. The port counts only when the host is an address of
    the machine."""
    if not _is_numeric(endpoint.host):
        return endpoint.host == as_host(header)
    name, _, port = header.strip().lower().rpartition(":")
    return (name, port) == (endpoint.host, str(endpoint.port))


def ip_of(host: str) -> IPv4Address | IPv6Address | None:
    """Returns the IP address, or None when the host is a name. An IPv6 address that stands for an IPv4 address becomes that IPv4
    address."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return None
    return _inside(address) or address


def _inside(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Returns the IPv4 address that is written into an IPv6 address: mapped (`::ffff:a.b.c.d`), compatible (`::a.b.c.d`), of
    NAT64, of 6to4, or the client's of Teredo."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64 or (address in _COMPATIBLE and not (address.is_loopback or address.is_unspecified)):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def is_this_machine(host: str) -> bool:
    """Whether the host means the machine itself: `localhost`, its other names, and addresses of the machine in any spelling."""
    address = ip_of(host)
    if address is not None:
        return address.is_loopback or address.is_unspecified
    return host in _MACHINE_NAMES or host.endswith(".localhost")


def is_private(host: str) -> bool:
    """Whether only this machine or a private network can reach the host, as its address or name says."""
    address = ip_of(host)
    return is_this_machine(host) if address is None else not address.is_global


class ServerHosts:
    """The names and addresses under which this server itself is reached.

    `addresses` are whole addresses such as `https://go.example.com`; names among them count on every port, IP addresses on their
    own port. `names` are hosts that count on every port. `ports` are those on which the server listens on this machine.
    """

    def __init__(self, addresses: Iterable[str], names: Iterable[str], ports: Iterable[int]) -> None:
        endpoints = [endpoint_of(address) for address in addresses]
        self._names = frozenset(as_host(name) for name in names) | {each.host for each in endpoints if not _is_numeric(each.host)}
        self._endpoints = frozenset(each for each in endpoints if _is_numeric(each.host))
        self._ports = frozenset(ports) | {each.port for each in endpoints if is_this_machine(each.host)}

    def are(self, endpoint: Endpoint) -> bool:
        """Whether a request to this host and port comes to this server."""
        return (
            endpoint.host in self._names
            or endpoint in self._endpoints
            or (endpoint.port in self._ports and is_this_machine(endpoint.host))
        )

    def reserve(self, host: str) -> bool:
        """Whether no organization can have links of its own on this host. IP addresses and names without a dot belong to machines
        and not to organizations."""
        return host in self._names or _is_numeric(host) or "." not in host or is_this_machine(host)


@lru_cache(maxsize=4096)  # the redirect asks for every click, and reading an address takes 15 microseconds
def _is_numeric(host: str) -> bool:
    return is_this_machine(host) or ip_of(host) is not None
