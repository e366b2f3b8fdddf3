"""The faults of `drill sending`. In each, more people are written to while the processes that carry their messages die."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from drills.parts.faults import Target
from drills.parts.run import Fault
from drills.parts.sending.people import Audience
from drills.providers.processes import Provider

SPARED = {"turn": 12, "page": 2}
"""Fewer hits than this pass a crash point before it kills the worker: one for each message, or for each chunk of a page."""
LATEST_KILL = 4.0
AWAY_SECONDS = 2.0
"""How long a provider is away that was killed."""
POINTS = tuple(f"{kind}_{point}" for kind in ("turn", "page") for point in ("before_claim", "claimed", "accepted", "recorded"))
"""Where the worker dies: before messages are claimed, after the claim, after the provider took them, after that was recorded;
for one person's step, and for a page of a campaign."""
KILLED = ("worker", "temporal", "postgres")


@dataclass
class Scene:
    """What a fault works with: in each, `people` are written to."""

    target: Target
    audience: Audience
    providers: dict[str, Provider]
    choice: random.Random
    people: int

    async def act(self) -> None:
        await self.audience.write_to(self.people)


def dies_at(point: str) -> Fault[Scene]:
    async def fault(scene: Scene) -> None:
        spared = scene.choice.randrange(SPARED[point.partition("_")[0]])
        await scene.target.crash("worker", point, spared, scene.act)

    fault.__name__ = f"worker_dies_at_{point}"
    return fault


def killed(name: str) -> Fault[Scene]:
    """`kill -9` at some moment of the first seconds."""

    async def fault(scene: Scene) -> None:
        await scene.act()
        await asyncio.sleep(scene.choice.uniform(0, LATEST_KILL))
        await scene.target.kill(name)

    fault.__name__ = f"{name}_killed"
    return fault


def provider_killed(name: str) -> Fault[Scene]:
    """The provider dies at some moment of the first seconds, and comes back with what it had taken."""

    async def fault(scene: Scene) -> None:
        await scene.act()
        await asyncio.sleep(scene.choice.uniform(0, LATEST_KILL))
        provider = scene.providers[name]
        await provider.kill()
        await asyncio.sleep(AWAY_SECONDS)
        await provider.start()

    fault.__name__ = f"provider_of_{name}_killed"
    return fault


def faults(providers: Sequence[str]) -> Sequence[Fault[Scene]]:
    return (*map(dies_at, POINTS), *map(killed, KILLED), *map(provider_killed, providers))
