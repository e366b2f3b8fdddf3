"""The bell rings once for many who press it, never too often, and for the last one of them too."""

import asyncio

import pytest

from services.process import doorbell
from services.process.doorbell import Doorbell


class Rings:
    def __init__(self) -> None:
        self.count = 0
        self.rung = asyncio.Event()
        self.error: Exception | None = None

    async def ring(self) -> None:
        self.count += 1
        self.rung.set()
        if self.error:
            raise self.error

    async def next(self) -> None:
        async with asyncio.timeout(10):
            await self.rung.wait()
        self.rung.clear()


async def test_many_who_press_at_once_ring_once_and_the_first_one_is_heard_without_a_pause() -> None:
    rings = Rings()
    bell = Doorbell(rings.ring, pause=1000.0)
    for _ in range(100):
        bell.press()
    await rings.next()
    assert rings.count == 1


async def test_whoever_presses_after_a_ring_is_heard_when_the_pause_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    rings, clock = Rings(), [100.0]
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(doorbell, "monotonic", lambda: clock[0])
    monkeypatch.setattr(asyncio, "sleep", sleep)
    bell = Doorbell(rings.ring, pause=5.0)
    bell.press()
    await rings.next()
    clock[0] += 2
    bell.press()
    await rings.next()
    assert (rings.count, slept) == (2, [0.0, 3.0])


async def test_a_ring_that_fails_does_not_keep_the_next_one_from_ringing() -> None:
    rings = Rings()
    rings.error = OSError("away")
    bell = Doorbell(rings.ring, pause=0.0)
    bell.press()
    await rings.next()
    bell.press()
    await rings.next()
    assert rings.count == 2
