"""The faults of the click path, in the order in which they are made: those that take longest to heal come first."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from drills.parts.clicks.load import Load
from drills.parts.faults import Span, Target
from drills.parts.patience import DrillError, until
from drills.parts.run import Fault
from models.clicks.inbox import LinkOfRecipient as Link

CLICKED_IN_EACH, SPARE_ROUNDS = 10, 3
"""Enrollments whose links are clicked while a fault lasts, and for how many faults there are more of them, because some need them
twice."""
BURST, ENOUGH_LOST = 200, 20
SILENT_SECONDS = 3.0
"""The shortest time for which PostgreSQL is silent after the redirect has started again."""
SPOOLED_BYTES = 500


@dataclass
class Scene:
    """What a fault works with. `unsafe` are the times at which answered clicks could be in memory only, with `counted_lost` in
    all."""

    target: Target
    load: Load
    choice: random.Random
    outage: timedelta
    waiting: Iterator[Link]
    unsafe: list[Span] = field(default_factory=list)
    counted_lost: int = 0

    async def click_waiting(self) -> int:
        """Puts this many links for which enrollments wait at the front of the clicks, some of them twice."""
        links = list(islice(self.waiting, CLICKED_IN_EACH))
        clicks = [*links, *links[: CLICKED_IN_EACH // 3]]
        self.load.also(clicks)
        return len(clicks)

    async def moment(self) -> None:
        await asyncio.sleep(self.choice.uniform(0.0, 1.0))

    def some(self, most: int) -> int:
        return self.choice.randrange(most)


async def worker_dies_while_recording(scene: Scene) -> None:
    await scene.target.crash("worker", "kept", scene.some(3), scene.click_waiting)


async def temporal_killed(scene: Scene) -> None:
    """Leaves the signals of clicks to the worker, which dies when it has claimed them."""

    async def leave_signals() -> None:
        back = await scene.target.kill_and_leave("temporal")
        await scene.load.burst(await scene.click_waiting())  # most often before it is back, and otherwise once more
        await back()

    await scene.target.crash("worker", "claimed", 0, leave_signals)


async def worker_killed(scene: Scene) -> None:
    await scene.click_waiting()
    await scene.moment()
    await scene.target.kill("worker")


async def postgres_silent(scene: Scene) -> None:
    """The redirect dies behind its first write to the spool, and starts again while PostgreSQL is still silent."""
    end = time.monotonic() + scene.outage.total_seconds()
    async with scene.target.silent_postgres():
        await scene.target.crash("redirect", "spooled", scene.some(3))
        await scene.click_waiting()
        await asyncio.sleep(max(SILENT_SECONDS, end - time.monotonic()))
        await until("the new redirect spools clicks", lambda: _counted(scene, "spooled", 1))


async def redirect_killed(scene: Scene) -> None:
    await scene.click_waiting()
    await scene.moment()
    await scene.target.kill("redirect", child=True)


async def redirect_dies_after_a_signal(scene: Scene) -> None:
    await scene.target.crash("redirect", "signalled", scene.some(2), scene.click_waiting)


async def redirect_dies_after_a_commit(scene: Scene) -> None:
    await scene.target.crash("redirect", "committed", scene.some(10), scene.click_waiting)


async def postgres_killed(scene: Scene) -> None:
    await scene.click_waiting()
    await scene.moment()
    await scene.target.kill("postgres")


async def spool_full(scene: Scene) -> None:
    """Makes the one permitted loss: clicks that neither PostgreSQL nor the spool took are in the redirect's memory when it is
    killed."""
    async with scene.target.silent_postgres():
        begin = time.time()
        await until("the spool is full", lambda: _lost_after_a_burst(scene))
        async with scene.load.paused():
            scene.unsafe.append((begin, time.time()))
            counts = await scene.target.journal()
            scene.counted_lost = int(counts["lost"] - counts["rescued"])
            back = await scene.target.kill_and_leave("redirect")
    await scene.click_waiting()
    await back()
    if not scene.counted_lost:
        raise DrillError(f"The clicks that were in memory only came into PostgreSQL before the kill: {counts}.")


async def _lost_after_a_burst(scene: Scene) -> bool:
    await scene.load.burst(BURST)
    return await _counted(scene, "lost", ENOUGH_LOST)


async def _counted(scene: Scene, state: str, enough: int) -> bool:
    return (await scene.target.journal())[state] >= enough


FAULTS: Sequence[Fault[Scene]] = (
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
    """`rate` is the number of clicks a second."""

    messages: int = 2500
    rate: float = 25.0
    faults: Sequence[Fault[Scene]] = FAULTS
    seed: int = 0
    outage: timedelta = timedelta(seconds=30)

    @property
    def enrollments(self) -> int:
        return CLICKED_IN_EACH * (len(self.faults) + SPARE_ROUNDS)

    @property
    def spool_limit(self) -> int:
        """Bytes of the spool: more than what the steady load needs in the long outage."""
        return int(1.2 * self.rate * (self.outage.total_seconds() + 10) * SPOOLED_BYTES)
