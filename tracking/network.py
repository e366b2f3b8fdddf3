"""The network of an address: what one sender of requests usually has to itself.

There is no list of hosting networks here, because none is bundled. Where a deployment has one, its place is `Follow._click` in
`api/redirect/follow.py`, which knows the address before the metadata switch drops it: give a human click the verdict `suspect`
with the reason `hosting`, `proxy` or `vpn`. Diagnostics, reports and signals understand these three already.
"""

from ipaddress import IPv4Address, ip_address, ip_network


def network_of(ip: str) -> str:
    """`192.0.2.0/24` or `2001:db8:1::/48`. A text that is no address is its own network."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    length = 24 if isinstance(address, IPv4Address) else 48
    return str(ip_network((address, length), strict=False))
