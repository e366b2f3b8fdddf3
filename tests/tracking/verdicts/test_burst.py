"""Bursts: the scenes of `docs/tracking.md` one by one, and how many of an invented population are judged rightly."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest

from tests.tracking.verdicts.population import Population
from tracking.verdicts.burst import Client, Hit, client_of, scanned
from tracking.verdicts.evidence import Message

START = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
PHONE = client_of("81.2.69.160", "iPhone")
SCANNER = client_of("198.51.100.7", "Chrome")
NOBODY = Client(None, None)
SOON = Message(10, START - timedelta(seconds=20))
LATE = Message(10, START - timedelta(hours=1))
DOCUMENT = Path(__file__).parents[3] / "docs" / "tracking.md"
UNITS = {"s": 1, "min": 60, "h": 3600}


class Scene(NamedTuple):
    """A row of the document. `requests` and `people` as they are written there."""

    name: str
    message: Message
    requests: list[str]
    people: list[str]


def scenes() -> list[Scene]:
    rows = re.findall(
        r"^\| (.+) \| (\d+) \| (-?\d+) (s|min|h) \| `(.+)` \| (all|none|`.+`) \|$", DOCUMENT.read_text(), re.MULTILINE
    )
    found = []
    for name, links, after, unit, given, people in rows:
        requests = [each for each in given.split(", ") if not each.startswith("HEAD ")]  # which the redirect does not record
        of_people = {"all": requests, "none": []}.get(people) or (people.strip("`").split(", ") if people[0] == "`" else [])
        delivered = START - int(after) * timedelta(seconds=UNITS[unit])
        found.append(Scene(name, Message(int(links), delivered), requests, of_people))
    return found


def hit_of(request: str) -> Hit:
    network, browser, position, seconds = re.fullmatch(r"(.)(.) (\d+)@([\d.]+)", request).groups()  # type: ignore[union-attr]
    client = NOBODY if network == "-" else Client(network, browser)
    return hit(int(position), float(seconds), client)


@pytest.mark.parametrize("scene", scenes(), ids=lambda scene: scene.name)
def test_the_document_tells_what_happens(scene: Scene) -> None:
    hits = {request: hit_of(request) for request in scene.requests}
    found = scanned(hits.values(), scene.message)
    assert [request for request, each in hits.items() if each.id not in found] == scene.people


def test_the_document_has_all_scenes() -> None:
    assert len(scenes()) == len(re.findall(r"^\| .*@.* \|$", DOCUMENT.read_text(), re.MULTILINE)) >= 30


def test_of_an_invented_population_nearly_all_gateways_are_found_and_nearly_nobody_is_wronged() -> None:
    population = Population(seed=20260314)
    people, gateways = list(population.people(10_000)), list(population.gateways(10_000))
    wronged = [each for each in people if {hit.id for hit in each.person} & scanned([*each.person, *each.gateway], each.message)]
    found = [each for each in gateways if {hit.id for hit in each.gateway} <= scanned(each.gateway, each.message)]
    assert len(wronged) <= 0.002 * len(people)
    assert len(found) >= 0.95 * len(gateways)


def hit(position: int, seconds: float = 0.0, client: Client = SCANNER, known: bool = False) -> Hit:
    return Hit(uuid4(), position, START + timedelta(seconds=seconds), client, known)


def people(*hits: Hit, message: Message = SOON) -> list[UUID]:
    found = scanned(reversed(hits), message)  # the order in which they are known does not matter
    return [each.id for each in hits if each.id not in found]


@pytest.mark.parametrize("client", [PHONE, SCANNER, NOBODY])
@pytest.mark.parametrize("message", [SOON, LATE, Message(5)])
def test_whoever_opens_five_links_within_a_second_is_a_scanner(client: Client, message: Message) -> None:
    assert people(*(hit(n, n / 10, client) for n in range(5)), message=message) == []


@pytest.mark.parametrize("message", [SOON, LATE, Message(2)])
def test_whoever_opens_two_links_after_each_other_is_a_person(message: Message) -> None:
    hits = [hit(0, 0, PHONE), hit(1, 1.9, PHONE)]
    assert people(*hits, message=message) == [each.id for each in hits]


def test_a_slow_chain_of_different_links_soon_after_delivery_is_a_scanners() -> None:
    assert people(*(hit(n, 2.5 * n) for n in range(6))) == []


def test_two_people_are_not_a_scanner_because_of_a_third_one() -> None:
    scan = [hit(n, n / 10) for n in range(5)]
    others = [hit(6, 0.3, PHONE), hit(7, 1.4, client_of("203.0.113.7", "Firefox"))]
    assert people(*scan, *others) == [each.id for each in others]


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
