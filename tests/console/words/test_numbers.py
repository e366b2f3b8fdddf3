"""Numbers as people read them: what is not known is never a zero."""

import pytest

from console.words.numbers import number, percent, plural, share, short, unit_word


@pytest.mark.parametrize(("value", "shown"), [(24180, "24,180"), (0, "0"), (None, "–")])
def test_a_count(value: int | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(1, 3, "33.3%"), (0, 3, "0.0%"), (1, 100_000, "<0.1%"), (1, 0, "–"), (None, 3, "–"), (0.288, None, "28.8%")],
)
def test_a_share_has_one_decimal_and_none_without_a_whole(part: float | None, whole: float | None, shown: str) -> None:
    assert share(part, whole) == shown


def test_a_share_for_drawing_stays_within_its_line() -> None:
    assert [percent(1, 2), percent(3, 2), percent(None, 2), percent(1, 0)] == [50, 100, 0, 0]


@pytest.mark.parametrize(("value", "shown"), [(950, "950"), (1500, "1.5 k"), (2_000_000, "2 M")])
def test_a_scale_is_short(value: float, shown: str) -> None:
    assert short(value) == shown


def test_one_is_not_many() -> None:
    assert [plural(1, "person", "people"), plural(1200, "person", "people"), plural(2, "click")] == [
        "1 person",
        "1,200 people",
        "2 clicks",
    ]
    assert [unit_word(count, "person", "people") for count in (0, 1, 2, None)] == ["people", "person", "people", "people"]
