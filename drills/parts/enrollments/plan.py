"""The faults of `drill enrollments`. In each, more people are enrolled and more links of triggers are clicked while the processes
that carry them die."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from drills.parts.enrollments.people import Crowd
from drills.parts.faults import Target
from drills.parts.run import Fault
from drills.parts.triggers.people import Listeners

SPARED = 12
"""Fewer turns than this pass a crash point before it kills the worker; each fault begins with more enrollments."""
SPARED_BATCHES = 2
"""The same for crash points that a batch of clicks, firings or messages hits once."""
SPARE_ROUNDS = 3
"""For so many faults there are more people and listeners, because some need them twice."""
LATEST_KILL = 6.0

POINTS = (
    "turn_before_claim",
    "turn_claimed",
    "turn_accepted",
    "turn_recorded",
    "turn_effects_written",
    "turn_effects_committed",
)
"""Where the worker dies: before a message is claimed, after the claim, after the provider took it, after that was recorded; and
before and after the commit of a step that takes no time."""
TRIGGER_POINTS = (
    "kept",
    "firings_claimed",
    "action_taken",
    "action_recorded",
    "triggered_before_claim",
    "triggered_claimed",
    "triggered_accepted",
    "triggered_recorded",
    "notification_claimed",
    "notification_sent",
)
"""The same for triggers: clicks are recorded and fire, but not yet committed; firings are claimed; an action is done, but not yet
committed; it is committed, and the next one is not begun; the four points of a message; the two of a team's notification."""
KILLED = ("worker", "temporal", "postgres")


@dataclass
class Scene:
    """What a fault works with; in each, `people` are enrolled, and the links of `clicked` others are clicked."""

    target: Target
    crowd: Crowd
    listeners: Listeners
    choice: random.Random
    people: int
    clicked: int

    @property
    def errors(self) -> list[str]:
        return self.crowd.errors + self.listeners.errors

    async def act(self) -> None:
        self.listeners.click(self.clicked)
        await self.crowd.enroll(self.people)


def dies_at(point: str, spared: int = SPARED) -> Fault[Scene]:
    """The worker dies at this crash point, before which fewer hits than `spared` pass."""

    async def fault(scene: Scene) -> None:
        await scene.target.crash("worker", point, scene.choice.randrange(spared), scene.act)

    fault.__name__ = f"worker_dies_at_{point}"
    return fault


def killed(name: str, time: str) -> Fault[Scene]:
    """`kill -9` at some moment of the first seconds."""

    async def fault(scene: Scene) -> None:
        await scene.act()
        await asyncio.sleep(scene.choice.uniform(0, LATEST_KILL))
        await scene.target.kill(name)

    fault.__name__ = f"{name}_killed_{time}"
    return fault


FAULTS: Sequence[Fault[Scene]] = (
    *(dies_at(point) for point in POINTS if point != "turn_effects_committed"),
    dies_at("turn_effects_committed", SPARED_BATCHES),
    *(dies_at(point, SPARED_BATCHES) for point in TRIGGER_POINTS),
    *(killed(name, time) for time in ("once", "twice") for name in KILLED),
)


@dataclass(frozen=True)
class Plan:
    """`wait`: how long people have for their click. `listeners` are the people whose clicks fire triggers."""

    enrollments: int = 300
    listeners: int = 240
    wait: timedelta = timedelta(seconds=60)
    faults: Sequence[Fault[Scene]] = FAULTS
    seed: int = 0

    @property
    def people(self) -> int:
        """In each fault."""
        return self.enrollments // len(self.faults)

    @property
    def clicked(self) -> int:
        """Listeners in each fault."""
        return self.listeners // len(self.faults)
