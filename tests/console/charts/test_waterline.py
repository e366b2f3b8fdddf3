"""The chart of clicks over time: nothing is lost between its numbers and its shapes, whatever the numbers are."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from console.charts.waterline import Interval, ticks, waterline
from console.words.numbers import plural

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BEGIN = datetime(2026, 11, 27, 16, tzinfo=UTC)
COUNTS = st.integers(0, 10**9)


def intervals(count: int, length: timedelta = HOUR, clicks: int = 3) -> list[Interval]:
    return [Interval(BEGIN + i * length, 1, clicks, 0, 2) for i in range(count)]


@given(st.lists(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS), min_size=1, max_size=120), st.booleans(), st.booleans())
def test_it_is_drawn_from_any_numbers_with_a_readout_for_each_interval(
    numbers: list[tuple[int, int, int, int]], area: bool, live: bool
) -> None:
    drawn = [Interval(BEGIN + i * HOUR, *each) for i, each in enumerate(numbers)]
    chart = etree.fromstring(waterline(drawn, HOUR, "Clicks", area=area, live=live))
    titles = [each.text for each in chart.iter("title")]
    assert len(titles) == len(drawn)
    people, clicks = plural(drawn[0].people, "person", "people"), plural(drawn[0].clicks, "click")
    assert f"{people}, {clicks}, {drawn[0].machines:,} by machines" in titles[0]


def test_without_intervals_there_is_no_chart() -> None:
    assert waterline([], HOUR, "Clicks") == ""


def test_names_of_people_are_no_markup() -> None:
    chart = waterline(intervals(3), HOUR, '"><script>', rest="<b>")
    assert "<script>" not in chart
    assert "&lt;b&gt;" in chart


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_intervals_are_bars_and_not_an_area(count: int) -> None:
    assert 'class="crest"' not in waterline(intervals(count), HOUR, "Clicks", area=True)
    assert 'class="crest"' in waterline(intervals(4), HOUR, "Clicks", area=True)


def test_hours_are_marked_with_the_date_at_midnight() -> None:
    marks = ticks([BEGIN + i * HOUR for i in range(24)], HOUR)
    assert [text for _, text, _ in marks] == ["18:00", "21:00", "Sat 28 Nov", "03:00", "06:00", "09:00", "12:00", "15:00"]


def test_days_are_marked_by_their_dates_and_not_too_often() -> None:
    marks = ticks([datetime(2026, 11, 1, tzinfo=UTC) + i * DAY for i in range(30)], DAY)
    assert len(marks) <= 9
    assert marks[0][:2] == (0, "Sun 1 Nov")
