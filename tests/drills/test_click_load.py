"""What counts as an error of a process that lived."""

import pytest

from drills._click_load import Ask, Seen
from models.clicks.inbox import LinkOfRecipient as Link

LINK = Link(1, 0, 0)
DOWN = [(100.0, 103.0)]


@pytest.mark.parametrize("span", [(99.0, 100.5), (101.0, 102.0), (102.5, 104.0), (99.0, 104.0)])
def test_a_connection_that_breaks_while_the_process_is_down_is_no_error(span: tuple[float, float]) -> None:
    assert Seen([Ask(LINK, *span, None)]).errors(DOWN) == []


@pytest.mark.parametrize("span", [(98.0, 99.0), (103.5, 104.0)])
def test_a_connection_that_breaks_at_another_time_is_one(span: tuple[float, float]) -> None:
    assert len(Seen([Ask(LINK, *span, None)]).errors(DOWN)) == 1


@pytest.mark.parametrize("status", [200, 404, 500, 503])
def test_an_answer_that_is_no_redirect_is_always_one(status: int) -> None:
    assert len(Seen([Ask(LINK, 101.0, 102.0, status)]).errors(DOWN)) == 1


def test_answers_are_counted_by_link_and_by_time() -> None:
    seen = Seen([Ask(LINK, 1.0, 2.0, 302), Ask(LINK, 5.0, 6.0, 302), Ask(LINK, 7.0, 8.0, None)])
    assert (seen.asked()[LINK], seen.answered()[LINK], seen.answered([(1.5, 3.0)])[LINK]) == (3, 2, 1)
