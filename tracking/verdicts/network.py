"""The network of an address, which one sender of requests usually has to itself."""

from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network


def network_of(ip: str) -> str:
    """Returns `192.0.2.0/24` or `2001:db8:1::/48`. A text that is not an address is its own network."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    length = 24 if isinstance(address, IPv4Address) else 48
    return str(ip_network((address, length), strict=False))


def network_key(ip: str) -> str:
    """Returns a text that is the same for all addresses of a network, in a tenth of the time, for what is asked at each click:
    `192.0.2` or `2001:db8:1::/48`. It takes only addresses in their usual form."""
    return _remembered(ip) if ":" in ip else ip.rpartition(".")[0] or ip


_remembered = lru_cache(maxsize=8192)(network_of)
