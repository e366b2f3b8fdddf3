"""What is kept of who clicked, and that nothing is kept where the organization wants it so."""

import pytest

from api.redirect.answering.link_request import LinkRequest
from api.redirect.answering.metadata_off import LONGEST_USER_AGENT, kept_metadata


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        ({"user-agent": "Browser"}, "Browser"),
        ({}, ""),
        ({"user-agent": "a\0b"}, "ab"),
        ({"user-agent": "x" * 9999}, "x" * LONGEST_USER_AGENT),
    ],
)
def test_address_and_user_agent_are_kept_only_where_the_organization_keeps_them(agent: dict[str, str], kept: str) -> None:
    link_request = LinkRequest("GET", "token", agent, "192.0.2.1")
    assert kept_metadata(link_request, "192.0.2.1", keeps=True) == ("192.0.2.1", kept)
    assert kept_metadata(link_request, "192.0.2.1", keeps=False) == (None, None)
