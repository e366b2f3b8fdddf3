"""Whatever a sequence looks like, each step has a place of its own, and each arrow begins and ends at its steps."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from console.charts.flow_layout import HEIGHT, NUMBER, PITCH, WIDTH, Arrow, Layout, Way, lay_out

CLEAR = 11
"""Half the height of a number."""


@st.composite
def sequences(draw: st.DrawFn) -> tuple[list[str], list[Arrow]]:
    """Steps with up to four arrows each to any of them, themselves included, none twice."""
    keys = [f"step_{number}" for number in range(draw(st.integers(1, 14)))]
    arrows = [
        Arrow(key, target, draw(st.booleans()), draw(st.floats(3, 60)))
        for key in keys
        for target in draw(st.lists(st.sampled_from(keys), max_size=4, unique=True))
    ]
    return keys, arrows


def branching(count: int) -> tuple[list[str], list[Arrow]]:
    """Waits whose clicks lead on and whose silence leads far down, as many as there can be."""
    keys = [f"wait_{number}" for number in range(count)]
    arrows = []
    for number, key in enumerate(keys[:-1]):
        arrows.append(Arrow(key, keys[number + 1]))
        arrows.append(Arrow(key, keys[min(count - 1, 2 * number + 2)], drifts=True))
    return keys, [each for place, each in enumerate(arrows) if each not in arrows[:place]]


def overlaps(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return abs(one[0] - other[0]) < WIDTH and abs(one[1] - other[1]) < HEIGHT


def check(keys: list[str], arrows: list[Arrow]) -> Layout:
    drawn = lay_out(keys, arrows)
    assert drawn.places.keys() == set(keys)
    assert not any(overlaps(*pair) for pair in combinations(drawn.places.values(), 2))
    for x, y in drawn.places.values():
        assert 0 <= x <= drawn.width - WIDTH
        assert 0 <= y <= drawn.height - HEIGHT
    assert len(drawn.ways) == len(arrows)
    for arrow, way in zip(arrows, drawn.ways, strict=True):
        assert_joined(drawn, arrow, way)
    return drawn


def assert_joined(drawn: Layout, arrow: Arrow, way: Way) -> None:
    (x1, y1), (x2, y2) = way.corners[0], way.corners[-1]
    source, target = drawn.places[arrow.source], drawn.places[arrow.target]
    assert y1 == source[1] + HEIGHT
    assert source[0] <= x1 <= source[0] + WIDTH
    assert y2 == target[1]
    assert target[0] <= x2 <= target[0] + WIDTH
    assert all(0 <= x <= drawn.width and 0 <= y <= drawn.height for x, y in way.corners)


@given(sequences())
def test_every_step_has_a_place_and_every_arrow_both_ends(sequence: tuple[list[str], list[Arrow]]) -> None:
    check(*sequence)


@given(sequences())
def test_no_arrow_goes_through_a_step(sequence: tuple[list[str], list[Arrow]]) -> None:
    drawn = check(*sequence)
    for way in drawn.ways:
        for (x1, y1), (x2, y2) in zip(way.corners, way.corners[1:], strict=False):
            for x, y in drawn.places.values():
                beside = max(x1, x2) <= x or min(x1, x2) >= x + WIDTH
                above = max(y1, y2) <= y or min(y1, y2) >= y + HEIGHT
                assert beside or above


@given(sequences())
def test_no_number_lies_on_a_step_or_on_the_number_of_another_step(sequence: tuple[list[str], list[Arrow]]) -> None:
    keys, arrows = sequence
    drawn = check(keys, arrows)
    numbers = [(arrow.source, way.number) for arrow, way in zip(arrows, drawn.ways, strict=True)]
    for source, (x, y) in numbers:
        assert not any(
            step_x < x < step_x + WIDTH and step_y - CLEAR < y < step_y + HEIGHT + CLEAR
            for step_x, step_y in drawn.places.values()
        )
        for other, (other_x, other_y) in numbers:
            if other != source:
                assert abs(x - other_x) >= PITCH - 2 * 84 or abs(y - other_y) >= NUMBER


def test_one_step_and_a_hundred_steps() -> None:
    assert check(["only"], []).height < 200
    drawn = check(*branching(100))
    assert drawn.width < 20 * PITCH


def test_a_click_stays_in_the_lane_and_silence_drifts_right() -> None:
    keys = ["hello", "wait", "thanks", "reminder"]
    drawn = check(keys, [Arrow("hello", "wait"), Arrow("wait", "thanks"), Arrow("wait", "reminder", drifts=True)])
    x = {key: place[0] for key, place in drawn.places.items()}
    assert x["hello"] == x["wait"] == x["thanks"] == x["reminder"] - PITCH
    assert drawn.places["thanks"][1] == drawn.places["reminder"][1]


def test_a_loop_goes_outside_on_the_left() -> None:
    keys = ["hello", "rest", "over"]
    drawn = check(keys, [Arrow("hello", "rest"), Arrow("rest", "hello"), Arrow("rest", "over", drifts=True)])
    assert [way.is_outside for way in drawn.ways] == [False, True, False]
    assert min(x for x, _ in drawn.ways[1].corners) < min(x for x, _ in drawn.places.values())


def test_ways_to_different_steps_do_not_share_a_column_outside() -> None:
    keys = ["a", "b", "c", "d"]
    drawn = check(keys, [Arrow("a", "b"), Arrow("b", "c"), Arrow("c", "d"), Arrow("c", "a"), Arrow("d", "b")])
    columns = [min(x for x, _ in way.corners) for way in drawn.ways if way.is_outside]
    assert len(columns) == len(set(columns)) == 2
