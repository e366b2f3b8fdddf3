"""Hosts as link domains and requests name them, so that the two can be compared."""

from ada_url import URL

_DEFAULT_PORTS = (":80", ":443")


def host_of(address: str) -> str:
    """`https://Go.Example.com:8443/` has the host `go.example.com:8443`; the ports 80 and 443 are left out."""
    return as_host(str(URL(address).host))


def as_host(header: str) -> str:
    """A `Host` header in the same form."""
    host = header.strip().lower()
    for port in _DEFAULT_PORTS:
        host = host.removesuffix(port)
    return host.removesuffix(".")
