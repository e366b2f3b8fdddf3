"""What a report says of intervals, made the bars of a chart: nothing is lost, and there are not too many."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.charts.series import LENGTHS, MOST, Unit, intervals, unit_of
from console.words.times import Times

BEGIN = datetime(2026, 10, 20, 9, 7, tzinfo=UTC)
OSLO, KATHMANDU = Times("Europe/Oslo"), Times("Asia/Kathmandu")


def at(moment: datetime, clicks: int = 1, machines: int | None = 0) -> dict[str, Any]:
    return {"at": moment.isoformat(), "clicks": clicks, "people": clicks, "suspect_clicks": machines, "bot_clicks": machines}


@pytest.mark.parametrize(
    ("length", "unit"), [(timedelta(hours=1), "quarter_hour"), (timedelta(days=3), "hour"), (timedelta(days=30), "day")]
)
def test_the_shortest_interval_of_which_there_are_not_too_many(length: timedelta, unit: Unit) -> None:
    assert unit_of(BEGIN, BEGIN + length) == unit


def test_intervals_without_clicks_are_there_as_well() -> None:
    found, length = intervals([at(BEGIN + timedelta(hours=2))], "hour", BEGIN, BEGIN + timedelta(hours=3), OSLO)
    assert [each.clicks for each in found] == [0, 0, 1, 0]
    assert (found[0].begin.isoformat(), length) == ("2026-10-20T11:00:00+02:00", timedelta(hours=1))


def test_hours_are_those_of_the_organizations_clocks() -> None:
    found, _ = intervals([], "hour", BEGIN, BEGIN + timedelta(hours=2), KATHMANDU)
    assert {each.begin.minute for each in found} == {0}


def test_a_day_on_which_clocks_change_is_one_day() -> None:
    found, _ = intervals([], "day", BEGIN, BEGIN + timedelta(days=10), OSLO)
    assert [each.begin.hour for each in found] == [0] * 11
    assert found[6].begin.utcoffset() != found[4].begin.utcoffset()


def test_a_late_click_makes_the_chart_longer_and_its_hours_days() -> None:
    late = BEGIN + timedelta(days=300)
    found, length = intervals([at(BEGIN), at(late)], "hour", BEGIN, BEGIN + timedelta(hours=9), OSLO)
    assert len(found) <= MOST
    assert (found[0].clicks, found[-1].clicks, length) == (1, 1, timedelta(days=3))


def test_what_is_not_known_counts_nothing() -> None:
    (only,), _ = intervals([at(BEGIN, 2, machines=None)], "hour", BEGIN, BEGIN, OSLO)
    assert (only.clicks, only.machines) == (2, 0)


@given(
    hours=st.lists(st.integers(0, 9_000), max_size=20, unique=True),
    span=st.integers(0, 9_000),
    unit=st.sampled_from(sorted(LENGTHS)),
    times=st.sampled_from([OSLO, KATHMANDU, Times("America/St_Johns"), Times("UTC")]),
)
def test_no_click_is_lost_and_time_goes_on(hours: list[int], span: int, unit: Unit, times: Times) -> None:
    series = [at(BEGIN + timedelta(hours=each)) for each in sorted(hours)]
    found, _ = intervals(series, unit, BEGIN, BEGIN + timedelta(hours=span), times)
    assert sum(each.clicks for each in found) == len(hours)
    begins = [each.begin.astimezone(UTC) for each in found]
    assert begins == sorted(set(begins))
    assert len(found) <= MOST + 2
