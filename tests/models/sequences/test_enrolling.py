"""Sequences that enroll each other: the quickest round is found, whatever else enrolls."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise, permutations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from models.sequences.enrolling import Enrolling, Round, quickest_rounds

A, B, C, D = (UUID(int=number) for number in range(1, 5))


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def test_a_round_comes_back_by_the_quickest_way() -> None:
    first = Enrolling(A, B, minutes(5))
    others = [Enrolling(B, C, minutes(0)), Enrolling(C, A, minutes(1)), Enrolling(B, A, minutes(9)), Enrolling(C, D, minutes(0))]
    assert quickest_rounds([first], others)[0] == Round([A, B, C, A], minutes(6))


def test_without_a_way_back_there_is_no_round() -> None:
    others = [Enrolling(B, C, minutes(0)), Enrolling(C, B, minutes(0)), Enrolling(D, A, minutes(0))]
    assert quickest_rounds([Enrolling(A, B, minutes(0))], others) == [None]


EDGES = st.lists(
    st.builds(Enrolling, st.sampled_from([A, B, C, D]), st.sampled_from([A, B, C, D]), st.integers(0, 9).map(minutes))
)


@given(EDGES, st.integers(0, 9).map(minutes))
def test_the_quickest_round_is_the_quickest_of_all_ways(others: list[Enrolling], waits: timedelta) -> None:
    first = Enrolling(A, B, waits)
    costs: dict[tuple[UUID, UUID], timedelta] = {}
    for source, target, more in others:
        costs[source, target] = min(more, costs.get((source, target), more))
    ways = [[A, B, *middle, A] for count in range(3) for middle in permutations([C, D], count)]
    sums = [
        waits + sum((costs[pair] for pair in pairwise(way[1:])), timedelta(0))
        for way in ways
        if all(pair in costs for pair in pairwise(way[1:]))
    ]
    found = quickest_rounds([first], others)[0]
    assert (found.takes if found else None) == min(sums, default=None)


def test_what_enrolls_is_looked_at_once_however_many_rounds_begin() -> None:
    looked: list[Enrolling] = []

    def others() -> Iterator[Enrolling]:
        for number in range(10, 60):
            looked.append(Enrolling(UUID(int=number), UUID(int=number + 1), minutes(1)))
            yield looked[-1]
        yield Enrolling(UUID(int=60), A, minutes(1))

    firsts = [Enrolling(A, UUID(int=number), minutes(number)) for number in range(10, 60)]
    found = quickest_rounds(firsts, others())
    assert len(looked) == 50
    assert {each.takes for each in found if each} == {minutes(61)}
