"""How long a drill waits for what should happen."""

from drills.parts.patience import Patience


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_drill_waits_as_long_as_something_changes_and_no_longer() -> None:
    clock = Clock()
    patience, over = Patience(25, clock), []
    for state in "abcddde":
        clock.now += 20
        over.append(patience.is_over(state))
    assert over == [False, False, False, False, False, True, False]
