"""The client's address: believed only from our proxies, and only their part of the header."""

from ipaddress import ip_network

import pytest
from starlette.types import Scope

from api.redirect.answering.client_address import MOST_HOPS, ClientAddress
from api.redirect.answering.link_request import LinkRequest, read_link_request

ADDRESSES = ClientAddress([ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("::1/128")])


def request(peer: str | None, *forwarded: str) -> LinkRequest:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope: Scope = {"method": "GET", "path": "/", "headers": headers, "client": (peer, 1) if peer is not None else None}
    return read_link_request(scope)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", ["81.2.69.160"], "203.0.113.9"),  # not a proxy of ours: the header is whatever the client wrote
        ("127.0.0.1", ["6.6.6.6, 81.2.69.160"], "81.2.69.160"),  # what the client wrote stands to the left
        ("127.0.0.1", ["6.6.6.6", "81.2.69.160, 10.0.0.2"], "81.2.69.160"),  # two headers are one list; 10.0.0.2 is a proxy
        ("127.0.0.1", ["6.6.6.6, nonsense, 10.0.0.2"], None),  # nobody knows who is behind it
        ("127.0.0.1", ["81.2.69.160, unknown"], None),
        ("testclient", ["81.2.69.160"], None),
        (None, ["81.2.69.160"], None),
        ("127.0.0.1", ["fe80::1%" + "a" * 500], None),  # an interface's name, as long as somebody likes
        ("127.0.0.1", ["[fe80::1%eth0]:4711"], None),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", ["10.0.0.7, 10.0.0.2"], "10.0.0.7"),  # a client inside our own network
        ("127.0.0.1", ["81.2.69.160:4711"], "81.2.69.160"),
        ("::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::1", ["2001:DB8:0::1"], "2001:db8::1"),
        ("::ffff:127.0.0.1", ["::ffff:81.2.69.160"], "81.2.69.160"),
    ],
)
def test_the_client_is_the_right_most_address_that_is_not_ours(
    peer: str | None, forwarded: list[str], client: str | None
) -> None:
    assert ADDRESSES.of(request(peer, *forwarded)) == client


def test_without_trusted_proxies_the_header_is_never_read() -> None:
    assert ClientAddress([]).of(request("127.0.0.1", "81.2.69.160")) == "127.0.0.1"


def test_hops_beyond_the_last_32_are_not_read() -> None:
    ours = ["10.0.0.2"] * MOST_HOPS
    assert ADDRESSES.of(request("127.0.0.1", ", ".join(["81.2.69.160", *ours[1:]]))) == "81.2.69.160"
    assert ADDRESSES.of(request("127.0.0.1", ", ".join(["81.2.69.160", *ours]))) == "10.0.0.2"


def test_what_a_client_writes_in_front_never_pushes_the_proxys_part_out() -> None:
    assert ADDRESSES.of(request("127.0.0.1", "6" * 60_000 + ", 81.2.69.160, 10.0.0.2")) == "81.2.69.160"
    assert ADDRESSES.of(request("127.0.0.1", *["6.6.6.6"] * 90, "81.2.69.160, 10.0.0.2")) == "81.2.69.160"
