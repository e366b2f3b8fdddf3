"""Hosts in one form, however they were written, and which of them are this server's."""

import pytest
from ada_url import URL
from hypothesis import given
from hypothesis import strategies as st

from tracking.links.hosts import Endpoint, ServerHosts, as_host, endpoint_of, is_asked_for, is_private, named_host

OURS = ServerHosts(["https://go.server.test", "http://192.168.1.5:8001"], ["api.server.test"], [8000, 8001])

THIS_MACHINE = [
    "ip6-localhost",
    "IP6-Loopback.",
    "localhost.localdomain",
    "localhost4",
    "localhost6.localdomain6",
    "[64:ff9b::127.0.0.1]",
    "[::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
]


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("HTTPS://Go.Shop.test.:443/x", ("go.shop.test", 443)),
        ("http://%67o.shop.test", ("go.shop.test", 80)),
        ("https://müll.test:8443", ("xn--mll-hoa.test", 8443)),
        ("http://0x7f.1:8001", ("127.0.0.1", 8001)),
        ("http://[::ffff:127.0.0.1]:8001", ("127.0.0.1", 8001)),
        ("http://[::1]/", ("[::1]", 80)),
        ("http://[64:ff9b::192.168.1.5]:8001", ("192.168.1.5", 8001)),
        ("http://[::192.168.1.5]:8001", ("192.168.1.5", 8001)),
        ("http://[2002:c0a8:105::]:8001", ("192.168.1.5", 8001)),
        ("http://[2001:0:4136:e378:8000:63bf:3f57:fefa]:8001", ("192.168.1.5", 8001)),
        ("http://[2001:db8::7f00:1]:8001", ("[2001:db8::7f00:1]", 8001)),
    ],
)
def test_an_address_leads_to_one_place_in_every_spelling(address: str, endpoint: tuple[str, int]) -> None:
    assert endpoint_of(address) == Endpoint(*endpoint)


PARTS = st.sampled_from(
    [
        "http://",
        "HTTPS://",
        "https:",
        "//",
        "a.test",
        "b",
        ":8443",
        ":",
        "@",
        "/",
        "\\",
        "?",
        "#",
        ".",
        "\t",
        "\n",
        " ",
        "%2f",
        "ü",
        "x",
        "[::1]",
    ]
)


@given(st.lists(PARTS, max_size=8).map("".join))
def test_the_beginning_of_an_address_says_where_all_of_it_leads(rest: str) -> None:
    address = f"https://{rest}"
    try:
        url = URL(address)
    except ValueError:
        with pytest.raises(ValueError, match=r".*"):
            endpoint_of(address)
    else:
        assert endpoint_of(address) == Endpoint(str(url.hostname).removesuffix("."), int(url.port or 443))


@pytest.mark.parametrize(
    ("header", "host"),
    [("Go.Shop.test.:443", "go.shop.test"), (" go.shop.test ", "go.shop.test"), ("[::1]:80", "[::1]"), ("", "")],
)
def test_a_host_header_has_the_same_form(header: str, host: str) -> None:
    assert as_host(header) == host


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("https://go.server.test:8443/x", True),
        ("http://api.server.test/x", True),
        ("http://127.0.0.1:8000/x", True),
        ("http://links.localhost:8001/x", True),
        ("http://0.0.0.0:8001/x", True),
        *((f"http://{name}:8001/x", True) for name in THIS_MACHINE),
        ("http://192.168.1.5:8001/x", True),
        ("http://192.168.1.5/x", False),
        ("http://localhost:3000/x", False),
        ("http://ip6-localhost:3000/x", False),
        ("http://nas.localdomain:8001/x", False),
        ("https://shop.test/x", False),
    ],
)
def test_what_leads_to_this_server_is_known(address: str, ours: bool) -> None:
    assert OURS.are(endpoint_of(address)) is ours


def test_names_are_compared_without_and_machines_with_their_port() -> None:
    assert is_asked_for(endpoint_of("https://go.shop.test/x"), "Go.shop.test:8001")
    assert is_asked_for(endpoint_of("http://10.0.0.5:8001/x"), "10.0.0.5:8001")
    assert not is_asked_for(endpoint_of("http://10.0.0.5:3000/x"), "10.0.0.5:8001")


@pytest.mark.parametrize("text", ["", "https://", "a b", "ftp://go.shop.test", "https://user@go.shop.test"])
def test_what_is_no_host_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"go\.example\.com"):
        named_host(text)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "10.1.2.3", "192.168.1.5", "100.64.0.1", "[fd00::1]"])
def test_a_host_of_this_machine_or_a_private_network_is_private(host: str) -> None:
    assert is_private(host)


@pytest.mark.parametrize("host", ["go.example.com", "9.9.9.9", "[2a00:1450::1]", "intranet"])
def test_a_name_or_a_public_address_is_not_private(host: str) -> None:
    """A name may be one for the whole internet, whatever it looks like."""
    assert not is_private(host)
