"""A process dies at a crash point on machines of every speed, or the drill says why none did."""

from pathlib import Path

import pytest

from drills.parts.crash_points import CrashPoint
from drills.parts.patience import DrillError
from services.process.crashpoint import FIRED

NAME = "worker.kept"


class Clock:
    """Goes on by a second with each look at it."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


class Worker:
    """Hits the crash point as often as each piece of work says, in this order, and dies there at most once."""

    def __init__(self, file: Path, *hits: int) -> None:
        self._file, self._hits = file, list(hits)
        self.brought = 0

    async def work(self) -> None:
        self.brought += 1
        for _ in range(self._hits.pop(0) if self._hits else 0):
            hit(self._file)


def hit(file: Path) -> None:
    left = int(file.read_text())
    if left:
        file.write_text(str(left - 1))
    else:
        file.rename(file.with_name(file.name + FIRED))


async def at_once() -> None:
    pass


def point(file: Path) -> CrashPoint:
    return CrashPoint(file, Clock(), at_once)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / NAME


def left(file: Path) -> list[str]:
    return [each.name for each in file.parent.iterdir()]


async def test_the_hits_that_are_to_pass_do(file: Path) -> None:
    worker = Worker(file, 3)
    await point(file).reach(2, worker.work)
    assert (worker.brought, left(file)) == (1, [NAME + FIRED])


async def test_work_that_comes_in_fewer_parts_than_elsewhere_is_brought_again_and_then_the_first_hit_is_the_last(
    file: Path,
) -> None:
    worker = Worker(file, 3, 1)
    await point(file).reach(11, worker.work)
    assert (worker.brought, left(file)) == (2, [NAME + FIRED])


async def test_work_that_somebody_else_has_done_is_brought_again(file: Path) -> None:
    worker = Worker(file, 0, 0, 1)
    await point(file).reach(0, worker.work)
    assert (worker.brought, left(file)) == (3, [NAME + FIRED])


async def test_work_is_not_brought_again_while_hits_come(file: Path) -> None:
    worker, waits = Worker(file), iter(range(1_000))

    async def hits_come_slowly() -> None:
        if next(waits) % 5 == 4:
            hit(file)

    await CrashPoint(file, Clock(), hits_come_slowly).reach(12, worker.work)
    assert (worker.brought, left(file)) == (1, [NAME + FIRED])


async def test_a_point_at_which_nothing_dies_says_how_many_hits_came_and_kills_nobody_later(file: Path) -> None:
    worker = Worker(file, 4)
    with pytest.raises(DrillError, match=rf"{NAME}.*let 11 hits pass, and had 4; work was brought to it \d times") as caught:
        await point(file).reach(11, worker.work)
    assert f"{worker.brought} times" in str(caught.value)
    assert left(file) == []


async def test_a_point_that_fires_while_it_is_being_lowered_is_not_armed_again(file: Path) -> None:
    """A second process would die at it."""

    class Late(CrashPoint):
        def _spare_none(self) -> None:
            hit(file)
            super()._spare_none()

    await Late(file, Clock(), at_once).reach(0, Worker(file).work)
    assert left(file) == [NAME + FIRED]
