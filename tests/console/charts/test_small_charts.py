"""Sparks, shares, the funnel's current and the heat of a week: drawn from any numbers, and empty ones too."""

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from console.charts.all import current, heat, share, spark, split

COUNTS = st.integers(0, 10**9)


@given(st.lists(COUNTS, max_size=40))
def test_a_spark_is_drawn_from_any_numbers(values: list[int]) -> None:
    assert etree.fromstring(spark(values)).get("aria-hidden") == "true"
    assert etree.fromstring(spark(values, 'Clicks "<')).get("aria-label") == 'Clicks "<'


def test_a_share_is_as_long_as_its_percent() -> None:
    assert '<rect width="72.6%"' in share(72.6)


@given(st.lists(st.tuples(st.sampled_from(["k1", "k2"]), COUNTS), max_size=6))
def test_the_parts_of_a_bar_fill_it(parts: list[tuple[str, int]]) -> None:
    widths = [float(each.get("width", "0").rstrip("%")) for each in etree.fromstring(split("Systems", parts)).iter("rect")]
    whole = sum(number for _, number in parts)
    assert abs(sum(widths) - (100 if whole else 0)) < 0.1


@given(st.floats(-1, 2), st.floats(-1, 2))
def test_a_current_stays_in_its_column(level: float, following: float) -> None:
    column = f"<div>{current(level, following)}</div>"
    (width,) = [float(each.get("width", "0").rstrip("%")) for each in etree.fromstring(column).iter("rect")]
    assert 0 <= width <= 100


@given(st.lists(st.lists(COUNTS, min_size=24, max_size=24), min_size=7, max_size=7))
def test_a_week_has_a_square_for_each_hour_and_zero_has_its_own_colour(rows: list[list[int]]) -> None:
    squares = [each.get("class") for each in etree.fromstring(heat(rows, "When")).iter("rect")]
    assert len(squares) == 7 * 24
    assert squares.count("h0") == sum(value == 0 for row in rows for value in row)
