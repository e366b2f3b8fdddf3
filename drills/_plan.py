"""The faults of the click path, in the order in which they are made: what takes longest to heal comes first."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from drills._faults import Span, Target
from drills._load import Load
from models.click_inbox import LinkOfRecipient as Link

CLICKED_IN_EACH = 10
"""Enrollments whose links are clicked while a fault lasts."""
BURST, MOST_BURSTS, ENOUGH_LOST = 200, 40, 20
SPOOLED_BYTES = 500


@dataclass
class Scene:
    """What a fault works with. `unsafe`: when answered clicks could be in memory only, with `counted_lost` in all."""

    target: Target
    load: Load
    choice: random.Random
    outage: timedelta
    waiting: Iterator[Link]
    unsafe: list[Span] = field(default_factory=list)
    counted_lost: int = 0

    def click_waiting(self) -> None:
        """Links that enrollments wait for are clicked next, some of them twice."""
        links = list(islice(self.waiting, CLICKED_IN_EACH))
        self.load.also([*links, *links[: CLICKED_IN_EACH // 3]])

    async def moment(self) -> None:
        await asyncio.sleep(self.choice.uniform(0.0, 1.0))

    def some(self, most: int) -> int:
        return self.choice.randrange(most)


Fault = Callable[[Scene], Awaitable[bool]]
"""Makes it and waits until it is healed. False: it had no effect, so nothing was proved."""


async def worker_dies_while_recording(scene: Scene) -> bool:
    async with scene.target.crash("worker", "kept", scene.some(3)):
        scene.click_waiting()
    return True


async def temporal_killed(scene: Scene) -> bool:
    """The signals of clicks meanwhile are left to the worker, which dies when it has claimed them."""
    async with scene.target.crash("worker", "claimed", 0):
        scene.click_waiting()
        await scene.target.kill("temporal")
    return True


async def worker_killed(scene: Scene) -> bool:
    scene.click_waiting()
    await scene.moment()
    await scene.target.kill("worker")
    return True


async def postgres_silent(scene: Scene) -> bool:
    """The redirect dies behind its first write to the spool, and starts anew while PostgreSQL is still silent."""
    end = time.monotonic() + scene.outage.total_seconds()
    async with scene.target.silent_postgres():
        async with scene.target.crash("redirect", "spooled", scene.some(3)):
            pass
        scene.click_waiting()
        await asyncio.sleep(max(3.0, end - time.monotonic()))
        return (await scene.target.journal())["spooled"] > 0


async def redirect_killed(scene: Scene) -> bool:
    scene.click_waiting()
    await scene.moment()
    await scene.target.kill("redirect", child=True)
    return True


async def redirect_dies_after_a_signal(scene: Scene) -> bool:
    async with scene.target.crash("redirect", "signalled", scene.some(2)):
        scene.click_waiting()
    return True


async def redirect_dies_after_a_commit(scene: Scene) -> bool:
    async with scene.target.crash("redirect", "committed", scene.some(10)):
        scene.click_waiting()
    return True


async def postgres_killed(scene: Scene) -> bool:
    scene.click_waiting()
    await scene.moment()
    await scene.target.kill("postgres")
    return True


async def spool_full(scene: Scene) -> bool:
    """The one permitted loss: what neither PostgreSQL nor the spool took is in the redirect's memory when it is killed."""
    async with scene.target.silent_postgres():
        begin = time.time()
        for _ in range(MOST_BURSTS):
            await scene.load.burst(BURST)
            if (await scene.target.journal())["lost"] >= ENOUGH_LOST:
                break
        async with scene.load.paused():
            scene.unsafe.append((begin, time.time()))
            counts = await scene.target.journal()
            scene.counted_lost = int(counts["lost"] - counts["rescued"])
            back = await scene.target.kill_and_leave("redirect")
    scene.click_waiting()
    await back()
    return scene.counted_lost > 0


FAULTS: Sequence[Fault] = (
    worker_dies_while_recording,
    temporal_killed,
    worker_killed,
    postgres_silent,
    redirect_killed,
    redirect_dies_after_a_signal,
    redirect_dies_after_a_commit,
    postgres_killed,
    spool_full,
)


@dataclass(frozen=True)
class Plan:
    """`rate`: clicks a second."""

    messages: int = 2500
    rate: float = 25.0
    faults: Sequence[Fault] = FAULTS
    seed: int = 0
    outage: timedelta = timedelta(seconds=30)

    @property
    def enrollments(self) -> int:
        return CLICKED_IN_EACH * len(self.faults)

    @property
    def spool_limit(self) -> int:
        """Bytes: more than what the steady load needs in the long outage."""
        return int(1.2 * self.rate * (self.outage.total_seconds() + 10) * SPOOLED_BYTES)
