"""Whose connection it is: what one client can hold at once is counted by this."""

from ipaddress import IPv6Address, ip_address

IPV6_PREFIX = 64
"""Bits of an IPv6 address that one client has at least for itself; it can choose the others as it likes."""


def client_network(host: str | None) -> str:
    """Returns an IPv4 address, or the first 64 bits of an IPv6 address, or what stands there when it is no address."""
    try:
        address = ip_address((host or "").partition("%")[0])
    except ValueError:
        return host or ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> IPV6_PREFIX << IPV6_PREFIX)}/{IPV6_PREFIX}"
