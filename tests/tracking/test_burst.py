"""Bursts: a scanner that opens all links is found whatever it pretends to be, and a person beside it is not taken for it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tracking.burst import Client, Hit, client_of, scanned

START = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
PHONE = client_of("81.2.69.160", "iPhone")
SCANNER = client_of("198.51.100.7", "Chrome")
NOBODY = Client(None, None)


def hit(position: int, seconds: float = 0.0, client: Client = SCANNER, known: bool = False) -> Hit:
    return Hit(uuid4(), position, START + timedelta(seconds=seconds), client, known)


def people(*hits: Hit) -> list[UUID]:
    found = scanned(reversed(hits))  # the order in which they are known does not matter
    return [each.id for each in hits if each.id not in found]


@pytest.mark.parametrize("client", [PHONE, SCANNER, NOBODY])
def test_whoever_opens_several_links_within_seconds_is_a_scanner(client: Client) -> None:
    assert people(*(hit(n, n / 10, client) for n in range(5))) == []
    assert people(hit(0, 0, client), hit(1, 2.9, client)) == []


def test_a_slow_chain_of_different_links_is_one_burst() -> None:
    assert people(*(hit(n, 2.5 * n) for n in range(6))) == []


def test_a_scanner_with_another_address_for_each_link_is_found() -> None:
    assert people(*(hit(n, n / 10, client_of(f"198.51.{n}.7", "Chrome")) for n in range(5))) == []


def test_a_scanner_with_another_browser_for_each_link_is_found() -> None:
    assert people(*(hit(n, n / 10, client_of("198.51.100.7", f"Browser {n}")) for n in range(5))) == []


def test_a_scanner_with_another_address_and_another_browser_for_each_link_is_found() -> None:
    assert people(*(hit(n, n / 10, client_of(f"198.51.{n}.7", f"Browser {n}")) for n in range(5))) == []


def test_a_scanner_that_takes_another_address_half_way_is_found() -> None:
    first, second = client_of("198.51.100.7", "Chrome"), client_of("203.0.113.7", "Chrome")
    assert people(hit(0, 0, first), hit(1, 0.1, first), hit(2, 0.2, second)) == []


def test_what_follows_a_known_scanner_belongs_to_it() -> None:
    assert people(hit(3, 0, known=True), hit(4, 1)) == []
    assert people(hit(3, 0, known=True)) == []


def test_one_link_however_often_is_a_person() -> None:
    hits = [hit(0, n / 10) for n in range(20)]
    assert people(*hits) == [each.id for each in hits]


def test_somebody_who_reads_between_two_links_is_a_person() -> None:
    hits = [hit(0, 0, PHONE), hit(1, 3.1, PHONE)]
    assert people(*hits) == [each.id for each in hits]


@pytest.mark.parametrize("position", [0, 1, 9])
def test_a_person_elsewhere_gets_through_whatever_link_it_is(position: int) -> None:
    scan = [hit(n, n / 10) for n in range(5)]
    person = hit(position, 0.25, PHONE)
    assert people(*scan, person) == [person.id]


@pytest.mark.parametrize("person", [client_of("198.51.100.99", "iPhone"), client_of("81.2.69.160", "Chrome")])
def test_a_person_in_the_scanners_network_or_with_its_browser_gets_through(person: Client) -> None:
    """An employee behind the company's own scanner."""
    clicked = hit(2, 0.25, person)
    assert people(*(hit(n, n / 10) for n in range(5)), clicked) == [clicked.id]


def test_a_person_who_clicks_first_gets_through() -> None:
    person = hit(1, 0, PHONE)
    assert people(person, *(hit(n, 0.1 + n / 10) for n in range(5))) == [person.id]


def test_a_person_gets_through_after_the_burst_also_without_metadata() -> None:
    person = hit(1, 4, NOBODY)
    assert people(*(hit(n, n / 10, NOBODY) for n in range(5)), person) == [person.id]
