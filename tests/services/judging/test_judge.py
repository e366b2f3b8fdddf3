"""Reading texts in other processes: bounded, remembered, and one place for each organization."""

import asyncio
import functools
import os
import re
import time
import uuid
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from models.errors import Unavailable
from services.judging.judge import Judge, TooSlow, _Kept

ONE, OTHER = UUID(int=1), UUID(int=2)
ENDLESS = functools.partial(re.match, "(a+)+$", "a" * 60 + "b")
"""Takes centuries, in a library that looks for signals; `DEAF` is one that does not."""
DEAF = functools.partial(sum, range(10**14))


@pytest.fixture(scope="module")
async def quick() -> AsyncIterator[Judge]:
    """Gives up after little work."""
    judge = Judge(seconds=0.05)
    yield judge
    await judge.close()


async def test_a_text_that_takes_too_long_is_given_up_and_the_next_one_is_read(quick: Judge) -> None:
    with pytest.raises(TooSlow):
        await quick.ask(ONE, ENDLESS)
    assert await quick.ask(ONE, len, "abc") == 3


async def test_that_it_takes_too_long_is_remembered_too(quick: Judge) -> None:
    process = quick._idle[0]._process.pid
    for _ in range(3):
        with pytest.raises(TooSlow):
            await quick.ask(ONE, ENDLESS)
    assert [each._process.pid for each in quick._idle] == [process]


async def test_a_process_that_says_nothing_is_killed_and_replaced() -> None:
    judge = Judge(seconds=100, patience=0)
    assert await asyncio.wait_for(_refused(judge), 60)
    judge._patience = 60
    assert await judge.ask(ONE, len, "abc") == 3
    await judge.close()


async def _refused(judge: Judge) -> bool:
    with pytest.raises(Unavailable):
        await judge.ask(ONE, DEAF)
    return not judge._idle


async def test_the_answer_to_a_request_that_was_given_up_is_nobody_elses(quick: Judge) -> None:
    asked = asyncio.create_task(quick.ask_once(ONE, sum, [1, 2]))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    assert await quick.ask_once(ONE, len, "abcd") == 4


async def test_the_same_text_is_read_once_and_what_is_about_a_person_each_time(quick: Judge) -> None:
    assert await quick.ask(ONE, uuid.uuid4) == await quick.ask(OTHER, uuid.uuid4)
    assert await quick.ask_once(ONE, uuid.uuid4) != await quick.ask_once(ONE, uuid.uuid4)


async def test_an_error_that_nobody_has_foreseen_says_its_name_and_nothing_of_the_text(quick: Judge) -> None:
    with pytest.raises(RuntimeError, match=r"^a text could not be read: ValueError$"):
        await quick.ask(ONE, int, "secret")


async def test_texts_of_one_organization_leave_a_process_to_the_others(quick: Judge) -> None:
    order: list[UUID] = []

    async def ask(org_id: UUID, text: str) -> None:
        with pytest.raises(TooSlow):
            await quick.ask(org_id, functools.partial(re.match, "(a+)+$", text))
        order.append(org_id)

    await asyncio.gather(*(quick.ask(org_id, len, str(org_id)) for org_id in (ONE, OTHER)))  # both processes are there
    many = [ask(ONE, "a" * 60 + str(number)) for number in range(6)]
    await asyncio.gather(*many, ask(OTHER, "a" * 60 + "c"))
    assert order[-1] == ONE


async def test_the_event_loop_has_nothing_to_do_while_a_text_is_read(quick: Judge) -> None:
    start = time.thread_time()
    with pytest.raises(TooSlow):
        await quick.ask_once(ONE, ENDLESS)
    assert time.thread_time() - start < 0.04  # of the 0.05 s that the other process worked


def test_what_was_used_last_is_remembered_within_its_size() -> None:
    kept = _Kept(10)
    for key in (b"a", b"b"):
        kept.put(key, b"1234")
    assert kept.get(b"a") == b"1234"
    kept.put(b"c", b"1234")
    assert [kept.get(key) for key in (b"a", b"b", b"c")] == [b"1234", None, b"1234"]
    kept.put(b"c", b"12")
    kept.put(b"d", b"1" * 11)
    assert [kept.get(key) for key in (b"a", b"c", b"d")] == [None, None, None]


async def test_the_processes_know_nothing_of_the_settings(quick: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    judge = Judge()
    assert await judge.ask(ONE, os.getenv, "DATABASE_URL") is None
    await judge.close()
    assert not judge._idle
