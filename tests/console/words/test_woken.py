"""What clicks have woken is said so that three workflows and two clicks are no riddle."""

import pytest

from console.words.woken import woken_by
from models.reports.delays import MOST_CLICKS


@pytest.mark.parametrize(
    ("clicks", "woken", "said"),
    [
        (0, 0, "no click by a person"),
        (1, 0, "by 1 click"),
        (2, 2, "by 2 clicks"),
        (2, 3, "by 2 clicks: one can wake several"),
        (MOST_CLICKS, 3, "by the last 40 clicks of each 30 min"),
        (MOST_CLICKS, MOST_CLICKS + 1, "by the last 40 clicks of each 30 min: one can wake several"),
    ],
)
def test_a_number_of_workflows_is_said_with_the_clicks_that_woke_them(clicks: int, woken: int, said: str) -> None:
    series = [{"clicks": 0}, {"clicks": clicks}]
    assert woken_by({"clicks": clicks, "woken": woken, "interval_seconds": 1800, "series": series}) == said


def test_clicks_of_several_intervals_that_were_all_looked_at_are_just_clicks() -> None:
    series = [{"clicks": MOST_CLICKS - 1}] * 2
    said = woken_by({"clicks": 2 * MOST_CLICKS - 2, "woken": 3, "interval_seconds": 1800, "series": series})
    assert said == "by 78 clicks"
