"""A client is known again by its address, and by no part of it that it can choose."""

import pytest

from services.process.client_network import client_network


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_a_client_has_one_name_whichever_of_its_addresses_it_takes(host: str | None, network: str) -> None:
    assert client_network(host) == network
