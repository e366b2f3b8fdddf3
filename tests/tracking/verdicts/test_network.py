"""Networks of addresses."""

import pytest

from tracking.verdicts.network import network_key, network_of


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_address_belongs_to_its_network(ip: str, network: str) -> None:
    assert network_of(ip) == network


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.77", "192.0.2.9", True),
        ("192.0.2.77", "192.0.3.77", False),
        ("2001:db8:1:2::3", "2001:db8:1:9::9", True),
        ("2001:db8:1:2::3", "2001:db8:2:2::3", False),
        ("", "192.0.2.77", False),
    ],
)
def test_the_key_of_a_network_is_that_of_its_addresses(one: str, other: str, same: bool) -> None:
    assert (network_key(one) == network_key(other)) is same
