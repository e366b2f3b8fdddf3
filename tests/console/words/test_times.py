"""Times and durations as people read them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.words.times import Times, duration, iso_duration

NOW = datetime(2026, 11, 28, 15, 42, 8, tzinfo=UTC)
TIMES = Times("Europe/Oslo", NOW)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-11-26T08:00:00Z", "Thu 26 Nov, 09:00"),
        ("2025-12-31T23:30:00Z", "Thu 1 Jan, 00:30"),
        ("2024-02-29T12:00:00+00:00", "Thu 29 Feb 2024, 13:00"),
        (None, "–"),
        ("", "–"),
    ],
)
def test_a_moment_is_shown_in_the_organizations_zone_and_the_year_when_it_is_another(value: str | None, shown: str) -> None:
    assert shown in TIMES.at(value)


def test_the_machine_readable_time_has_its_offset() -> None:
    assert 'datetime="2026-11-26T09:00:00+01:00"' in TIMES.at("2026-11-26T08:00:00Z")


def test_today_shows_seconds_and_another_day_its_date() -> None:
    assert "16:42:08" in TIMES.clock(NOW)
    assert "27 Nov, 16:42" in TIMES.clock(NOW - timedelta(days=1))


def test_past_and_future_are_told_apart() -> None:
    assert "4 h 17 min ago" in TIMES.ago(NOW - timedelta(hours=4, minutes=17))
    assert "in 2 d" in TIMES.ago(NOW + timedelta(days=2))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.084, "84 ms"), (1, "1 s"), (60, "1 min"), (15_420, "4 h 17 min"), (259_200, "3 d"), (90_061, "1 d 1 h")],
)
def test_a_duration_has_two_units_at_most(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@given(st.floats(0, 1e9))
def test_every_duration_says_something_short(seconds: float) -> None:
    assert 0 < len(duration(seconds)) < 20


@pytest.mark.parametrize(("text", "shown"), [("P3D", "3 d"), ("PT1H30M", "1 h 30 min"), (None, "–"), ("soon", "soon")])
def test_a_duration_of_the_api_is_said_in_words(text: str | None, shown: str) -> None:
    assert iso_duration(text) == shown
