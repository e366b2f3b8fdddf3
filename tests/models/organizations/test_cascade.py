"""The cascade of link tracking and of the link domain."""

import pytest

from models.organizations.cascade import is_tracked, link_domain_of, tracking_off_at
from models.organizations.organization import Organization


@pytest.mark.parametrize(
    ("organization", "own", "off_at"),
    [
        (True, None, []),
        (True, True, []),
        (True, False, ["sequence"]),
        (False, None, ["organization"]),
        (False, True, ["organization"]),
        (False, False, ["organization", "sequence"]),
    ],
)
def test_every_level_can_switch_link_tracking_off_and_none_can_switch_it_on_again(
    organization: bool, own: bool | None, off_at: list[str]
) -> None:
    row = Organization(name="Shop", link_tracking=organization)
    assert tracking_off_at(row, "sequence", own) == off_at
    assert is_tracked(row, own) == (not off_at)


@pytest.mark.parametrize(
    ("own", "organization", "base"),
    [
        (None, None, "https://server.test"),
        (None, "https://shop.test", "https://shop.test"),
        ("https://spring.shop.test/", "https://shop.test", "https://spring.shop.test"),
    ],
)
def test_the_nearest_link_domain_counts_and_has_no_slash_at_its_end(own: str | None, organization: str | None, base: str) -> None:
    assert link_domain_of(Organization(name="Shop", link_domain=organization), own, "https://server.test/") == base
