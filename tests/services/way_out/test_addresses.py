"""No connection that somebody else asked for leads into a network that is not public."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.way_out.addresses import LOCAL, REFUSED, refusal


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "unspecified"),  # noqa: S104 - nothing is bound to it
        ("0.1.2.3", "unspecified"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "CGNAT"),
        ("100.100.100.200", "CGNAT"),  # the metadata of a cloud
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("168.63.129.16", "cloud"),
        ("169.254.169.254", "link-local"),  # the metadata of most clouds
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.192", "reserved"),
        ("192.0.2.1", "documentation"),
        ("192.88.99.1", "6to4"),
        ("192.168.1.1", "private"),
        ("198.18.0.1", "benchmarks"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "mapped"),
        ("::ffff:8.8.8.8", "mapped"),
        ("::7f00:1", "compatible"),
        ("64:ff9b::7f00:1", "NAT64"),
        ("64:ff9b:1::1", "NAT64"),
        ("100::1", "reserved"),
        ("2001::1", "reserved"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::", "6to4"),
        ("3fff::1", "documentation"),
        ("5f00::1", "reserved"),
        ("fc00::1", "private"),
        ("fd12::1", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "reserved"),
        ("ff02::1", "multicast"),
        ("4000::1", "reserved"),
        ("nonsense", "not an IP address"),
        ("", "not an IP address"),
    ],
)
def test_what_is_not_public_is_refused_with_its_kind(address: str, kind: str) -> None:
    assert kind in (refusal(address) or "")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_reached(address: str) -> None:
    assert refusal(address) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_development_server_reaches_itself(address: str) -> None:
    assert refusal(address, local=True) is None


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1", "0.0.0.1"])
def test_a_development_server_reaches_no_other_private_network(address: str) -> None:
    assert refusal(address, local=True)


@given(st.integers(0, 2**32 - 1))
def test_no_address_passes_that_python_calls_private(number: int) -> None:
    address = IPv4Address(number)
    assert refusal(str(address)) is not None or (address.is_global and not address.is_multicast)


@given(st.one_of(st.integers(0, 2**128 - 1), st.integers(0x2000 << 112, (0x4000 << 112) - 1)))
def test_no_address_of_ipv6_passes_that_python_calls_private(number: int) -> None:
    address = IPv6Address(number)
    passes = refusal(str(address)) is None
    assert not passes or (address.is_global and not address.is_multicast)
    assert not passes or (address.ipv4_mapped is None and address.sixtofour is None and address.teredo is None)


@given(st.sampled_from([network for network, _ in REFUSED]), st.integers(0))
def test_each_address_of_each_network_of_the_list_is_refused(network: object, number: int) -> None:
    found = ip_network(str(network))
    assert refusal(str(found[number % found.num_addresses]))


def test_only_this_machine_is_local() -> None:
    assert all(ip_address(each[0]).is_loopback for each in LOCAL)
