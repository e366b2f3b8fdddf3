"""GeoLocations: a file that is missing, broken, of another kind or replaced, and what a good one answers."""

import os
from pathlib import Path

import pytest

from services.clicks import geo_locations as places
from services.clicks.geo_locations import NOWHERE, GeoLocation, GeoLocations, demo_database
from tests.clicks import LONDON, SAN_JOSE_V6


@pytest.fixture(autouse=True)
def _look_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LOOK_AGAIN_SECONDS", 0.0)


def demo_bytes() -> bytes:
    path = demo_database()
    assert path is not None
    return path.read_bytes()


def put(path: Path, content: bytes) -> None:
    """As `geoipupdate` does: a new file renamed over the old one."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    os.replace(new, path)


def test_a_missing_file_gives_no_place_and_says_so(tmp_path: Path) -> None:
    found = GeoLocations(tmp_path / "none.mmdb")
    assert found.find(LONDON) == NOWHERE
    assert "There is no geo database at" in str(found.state())


def test_a_broken_file_gives_no_place_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "broken.mmdb"
    put(path, b"not a database" * 1000)
    found = GeoLocations(path)
    assert found.find(LONDON) == NOWHERE
    assert "cannot be read" in (found.state().problem or "")


def test_a_file_of_another_kind_gives_no_place_and_says_what_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "country.mmdb"
    put(path, demo_bytes().replace(b"GeoLite2-City", b"GeoLite2-ASNs"))
    found = GeoLocations(path)
    assert found.find(LONDON) == NOWHERE
    assert "GeoLite2-ASNs, and a City file is needed" in (found.state().problem or "")


@pytest.mark.parametrize(
    "kind", [b"DBIP-City-Lite", b"DBIP-Location (compat=City)", b"GeoIP2-City-North-America", b"GeoIP2-City"]
)
def test_city_files_of_all_makers_are_read(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "city.mmdb"
    # In the file's format a text begins with its type (2) and length in one byte.
    put(path, demo_bytes().replace(bytes([0x40 + 13]) + b"GeoLite2-City", bytes([0x40 + len(kind)]) + kind))
    found = GeoLocations(path)
    assert found.find(LONDON) == GeoLocation("GB", "Gamlingay", "England")
    assert (found.state().problem, found.state().demo, found.state().old) == (None, False, True)


@pytest.mark.parametrize(
    "ip", [None, "", "10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fe80::1", "fd00::1", "not an address", "1.2.3"]
)
def test_an_address_that_is_nowhere_has_no_place(ip: str | None) -> None:
    assert GeoLocations().find(ip) == NOWHERE


def test_ipv4_and_ipv6_addresses_have_a_place() -> None:
    found = GeoLocations()
    assert found.find(LONDON) == GeoLocation("GB", "Gamlingay", "England")
    assert found.find(SAN_JOSE_V6) == GeoLocation("US")


def test_the_demo_database_is_in_use_by_default_and_its_age_is_known() -> None:
    state = GeoLocations().state()
    assert (state.demo, state.problem, state.old) == (True, None, True)
    assert str(state).startswith("demo database of 2019-12-24, ")


def test_a_replaced_file_is_taken_and_one_that_disappears_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "city.mmdb"
    found = GeoLocations(path)
    assert found.find(LONDON) == NOWHERE
    put(path, demo_bytes())
    assert found.find(LONDON).country == "GB"
    put(path, b"broken")
    assert found.find(LONDON) == NOWHERE
    put(path, demo_bytes())
    assert found.find(LONDON).country == "GB"
    path.unlink()
    assert found.find(LONDON) == NOWHERE
    assert found.state().problem is not None
