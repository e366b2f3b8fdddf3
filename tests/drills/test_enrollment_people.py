"""The people of `drill enrollments` are the same for the same seed, and of every kind."""

import random

from drills._enrollment_people import invent

NAMES = [str(number) for number in range(300)]


def test_a_seed_invents_the_same_people_again() -> None:
    assert invent(NAMES, random.Random(7)) == invent(NAMES, random.Random(7)) != invent(NAMES, random.Random(8))


def test_some_click_some_are_stopped_some_both_and_some_neither() -> None:
    kinds = {(each.clicks_after is None, each.stopped_after is None) for each in invent(NAMES, random.Random(7))}
    assert len(kinds) == 4
