"""What all charts draw with: lines that invent nothing, and scales with round steps."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.charts.drawing import f, monotone, scale

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
VALUES = st.lists(st.floats(0, 1e6), min_size=2, max_size=60)


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (-0.001, "0"), (1.0, "1"), (12.345, "12.35"), (100.1, "100.1")])
def test_a_number_has_two_decimals_at_most(value: float, text: str) -> None:
    assert f(value) == text


@given(VALUES)
def test_a_smooth_line_is_never_above_or_below_what_it_joins(values: list[float]) -> None:
    points = [(float(i * 10), value) for i, value in enumerate(values)]
    for (_, a), (_, b), curve in zip(points, points[1:], monotone(points).split("C")[1:], strict=False):
        _, y1, _, y2, _, y3 = map(float, NUMBER.findall(curve))
        low, high = min(a, b) - 0.02, max(a, b) + 0.02  # rounding
        assert all(low <= y <= high for y in (y1, y2, y3))


def test_a_line_of_nothing_or_one_point_is_no_line() -> None:
    assert (monotone([]), monotone([(1, 2)])) == ("", "M1 2")


@given(st.floats(0, 1e9))
def test_a_scale_begins_at_zero_has_equal_whole_steps_and_reaches_the_top(top: float) -> None:
    marks = scale(top)
    steps = {round(b - a, 6) for a, b in itertools.pairwise(marks)}
    assert marks[0] == 0
    assert marks[-1] >= top
    assert len(steps) == 1
    assert all(each == int(each) for each in marks)
    assert len(marks) <= 6
