"""How much of a request's headers the redirect reads."""

import pytest

from api.redirect.answering.link_request import LONGEST_HEADER, MOST_VALUES, SeveralHosts, headers_of


def test_a_header_is_read_up_to_its_limit() -> None:
    assert headers_of([("user-agent", "a" + "b" * 60_000)]) == {"user-agent": "a" + "b" * (LONGEST_HEADER - 1)}
    assert headers_of([("x-forwarded-for", "a" * 60_000 + "b")]) == {"x-forwarded-for": "a" * (LONGEST_HEADER - 1) + "b"}


def test_values_of_one_name_are_one_list_with_a_limit() -> None:
    assert headers_of([("purpose", "a"), ("purpose", "b"), ("purpose", "c")]) == {"purpose": "a, b, c"}
    values = headers_of([("purpose", str(n)) for n in range(4_000)])["purpose"]
    assert values.split(", ") == [str(n) for n in range(4_000 - MOST_VALUES, 4_000)]
    assert len(headers_of([("user-agent", "a" * 3_900)] * 4_000)["user-agent"]) == LONGEST_HEADER


def test_two_hosts_are_refused() -> None:
    with pytest.raises(SeveralHosts):
        headers_of([("host", "a.test"), ("host", "b.test")])
