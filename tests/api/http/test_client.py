"""A client is known again by its network, also behind proxies of ours; tests of `ClientAddress` say which address that is."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from api.http.client import network_of
from settings import Settings


def request(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    client = (peer, 1) if peer is not None else None
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "client": client})


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        (None, ["81.2.69.160"], ""),
        ("127.0.0.1", ["nonsense"], ""),
        ("127.0.0.1", ["fe80::1%eth0"], ""),
        ("127.0.0.1", ["81.2.69.160", "a" * 60_000], ""),
        ("203.0.113.9", ["81.2.69.160"], "203.0.113.9"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["6.6.6.6, 81.2.69.160:4711, 10.0.0.2"], "81.2.69.160"),
        ("127.0.0.1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
    ],
)
def test_it_is_that_of_the_address_which_the_outermost_proxy_has_seen(
    settings: Settings, peer: str | None, forwarded: list[str], network: str
) -> None:
    settings.trusted_proxies = (*settings.trusted_proxies, ip_network("10.0.0.0/8"))
    assert network_of(request(peer, *forwarded), settings) == network
