"""Decides which IP addresses a connection that somebody else asked for may lead to: public ones only.

The list is explicit and does not depend on the Python version. Of IPv6, only what IANA hands out (2000::/3) is public.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

LOCAL = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
"""This machine. It can be reached in development only."""

REFUSED = tuple(
    (ip_network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by customers of a provider (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a service of the cloud's host"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a relay of 6to4"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "an IPv4 address in IPv6 (mapped)"),
        ("::/96", "an IPv4 address in IPv6 (compatible)"),
        ("64:ff9b::/96", "an IPv4 address in IPv6 (NAT64)"),
        ("64:ff9b:1::/48", "an IPv4 address in IPv6 (NAT64)"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "reserved"),  # with Teredo, whose addresses hold an IPv4 address
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "an IPv4 address in IPv6 (6to4)"),
        ("3fff::/20", "for documentation"),
    )
)
PUBLIC_IPV6 = IPv6Network("2000::/3")


def refusal(address: str, *, local: bool = False) -> str | None:
    """Says what kind of address this is when no connection may lead to it. Returns None when one may. With `local`, this machine
    itself may be reached, as in development."""
    try:
        found: Address = ip_address(address)
    except ValueError:
        return "not an IP address"
    if getattr(found, "scope_id", None):
        return "link-local"
    if local and any(found in network for network in LOCAL):
        return None
    for network, kind in REFUSED:
        if found in network:
            return kind
    return "reserved" if isinstance(found, IPv6Address) and found not in PUBLIC_IPV6 else None
