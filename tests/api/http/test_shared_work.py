"""Many who ask at once for the same cost no more than one."""

import asyncio

import pytest

from api.http.shared_work import SharedWork


class Slow:
    def __init__(self) -> None:
        self.begun = 0
        self.free = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        await self.free.wait()
        return self.begun


async def turn() -> None:
    await asyncio.sleep(0)


async def test_who_asks_meanwhile_gets_the_same_result_and_who_comes_later_a_new_one() -> None:
    work, shared = Slow(), SharedWork[int]()
    waiting = [asyncio.create_task(shared(work)) for _ in range(150)]
    await turn()
    work.free.set()
    assert set(await asyncio.gather(*waiting)) == {1}
    assert await shared(work) == 2


async def test_the_work_goes_on_when_the_one_who_began_it_goes_away() -> None:
    work, shared = Slow(), SharedWork[int]()
    first, second = asyncio.create_task(shared(work)), asyncio.create_task(shared(work))
    await turn()
    first.cancel()
    await turn()
    work.free.set()
    assert await second == 1
    assert first.cancelled()


async def test_an_error_is_everybodys_and_is_not_kept() -> None:
    shared = SharedWork[int]()

    async def fails() -> int:
        await turn()
        raise LookupError

    for error in await asyncio.gather(shared(fails), shared(fails), return_exceptions=True):
        assert isinstance(error, LookupError)
    with pytest.raises(LookupError):
        await shared(fails)
