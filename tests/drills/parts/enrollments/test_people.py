"""The people of `drill enrollments` are the same for the same seed, and of every kind."""

import random
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from demo.client import Conflict, Consumer, NoAnswer
from drills.parts.enrollments import people as _enrollment_people
from drills.parts.enrollments.people import Crowd, Person, invent
from models.database import Database
from tracking.tokens.token import TokenCodec

NAMES = [str(number) for number in range(300)]


def test_a_seed_invents_the_same_people_again() -> None:
    assert invent(NAMES, random.Random(7)) == invent(NAMES, random.Random(7)) != invent(NAMES, random.Random(8))


def test_some_click_some_are_stopped_some_both_and_some_neither() -> None:
    kinds = {(each.clicks_after is None, each.stopped_after is None) for each in invent(NAMES, random.Random(7))}
    assert len(kinds) == 4


@pytest.mark.parametrize(
    ("answers", "is_known", "unanswered"),
    [
        (["done"], True, False),
        ([NoAnswer(), "done"], True, True),
        ([Conflict()], False, False),
        ([NoAnswer(), Conflict()], False, True),
    ],
)
async def test_a_stop_without_an_answer_is_asked_for_again_and_may_count(
    answers: list[Any], is_known: bool, unanswered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the first request counts and its answer is lost, the second one hears that the enrollment is over."""
    monkeypatch.setattr(_enrollment_people, "AGAIN_SECONDS", 0)

    async def post(_: str) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer

    crowd = Crowd(cast(Consumer, SimpleNamespace(post=post)), cast(Database, None), 1, cast(TokenCodec, None))
    person = Person("1", None, 0.0, uuid4())
    await crowd._is_stopped(person)
    assert (person.stopped_at is not None, person.stop_unanswered, crowd.errors) == (is_known, unanswered, [])
    await crowd.close()
