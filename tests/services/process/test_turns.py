"""How many requests of one organization are at work at once."""

import asyncio
from uuid import uuid4

import pytest

from models.errors import TooManyRequests
from services.process import turns
from services.process.turns import Turns

ONE, OTHER = uuid4(), uuid4()


class Work:
    """Requests that are at work until `over` is set."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self.turns = Turns(at_once, waiting)
        self.over = asyncio.Event()
        self.begun: list[str] = []

    async def request(self, name: str, org_id=ONE) -> None:  # type: ignore[no-untyped-def]
        async with self.turns.turn(org_id):
            self.begun.append(name)
            await self.over.wait()


async def settled(*tasks: "asyncio.Task[None]") -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_so_many_are_at_work_and_the_others_wait_in_their_order() -> None:
    work = Work(2, 9)
    tasks = [asyncio.create_task(work.request(name)) for name in "abcd"]
    await settled(*tasks)
    assert work.begun == ["a", "b"]
    work.over.set()
    await asyncio.gather(*tasks)
    assert work.begun == ["a", "b", "c", "d"]


async def test_another_organization_does_not_wait() -> None:
    work = Work(1, 9)
    tasks = [asyncio.create_task(work.request(name)) for name in "ab"]
    await settled(*tasks)
    tasks.append(asyncio.create_task(work.request("theirs", OTHER)))
    await settled(*tasks)
    assert work.begun == ["a", "theirs"]
    work.over.set()
    await asyncio.gather(*tasks)


async def test_one_that_finds_too_many_waiting_is_refused_at_once() -> None:
    work = Work(1, 1)
    tasks = [asyncio.create_task(work.request(name)) for name in "ab"]
    await settled(*tasks)
    with pytest.raises(
        TooManyRequests, match="Of your organization's requests, 1 may be at work at once and 1 may wait for 10 s each"
    ):
        await work.request("c")
    work.over.set()
    await asyncio.gather(*tasks)
    await work.request("c")


async def test_one_that_waits_for_too_long_is_refused_and_takes_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0)
    work = Work(1, 9)
    first = asyncio.create_task(work.request("a"))
    await settled(first)
    with pytest.raises(TooManyRequests):
        await work.request("b")
    work.over.set()
    await first
    monkeypatch.undo()
    await work.request("c")
    assert work.begun == ["a", "c"]


async def test_nothing_is_kept_of_organizations_that_ask_for_nothing() -> None:
    work = Work(1, 1)
    work.over.set()
    await work.request("a")
    assert work.turns._lines == {}
