"""Sequences that enroll each other: the quickest round is found, whatever else enrolls."""

from datetime import timedelta
from itertools import pairwise, permutations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from models.sequences.enrolling import Enrolling, Round, quickest_round

A, B, C, D = (UUID(int=number) for number in range(1, 5))


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def test_a_round_comes_back_by_the_quickest_way() -> None:
    first = Enrolling(A, B, minutes(5))
    others = [Enrolling(B, C, minutes(0)), Enrolling(C, A, minutes(1)), Enrolling(B, A, minutes(9)), Enrolling(C, D, minutes(0))]
    assert quickest_round(first, others) == Round([A, B, C, A], minutes(6))


def test_without_a_way_back_there_is_no_round() -> None:
    others = [Enrolling(B, C, minutes(0)), Enrolling(C, B, minutes(0)), Enrolling(D, A, minutes(0))]
    assert quickest_round(Enrolling(A, B, minutes(0)), others) is None


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
    found = quickest_round(first, others)
    assert (found.takes if found else None) == min(sums, default=None)
