"""Clicks and commands that a crash or an outage left are delivered, and neither waits for the other."""

import asyncio

import pytest
from temporalio.testing import ActivityEnvironment

from activities import heartbeats
from activities import sweep_signals as module
from activities.sweep_signals import SweepSignals
from models.wire.sweeper import SweepRequest, SweepResult

REQUEST = SweepRequest(woken=False)


class Flood:
    """A delivery with so many full batches. Both have tests of their own; this one remembers whose turn it was."""

    def __init__(self, name: str, batches: int, turns: list[str]) -> None:
        self._name = name
        self._batches = batches
        self._turns = turns

    async def sweep(self) -> tuple[int, bool]:
        if not self._batches:
            return 0, False
        self._batches -= 1
        self._turns.append(self._name)
        return 100, True


def build(commands: object, clicks: object) -> SweepSignals:
    return SweepSignals(commands, clicks)  # type: ignore[arg-type] # they stand in for the deliveries


async def test_a_flood_of_clicks_does_not_hold_up_commands_nor_the_reverse() -> None:
    turns: list[str] = []
    sweep = build(Flood("commands", 2, turns), Flood("clicks", 4, turns))
    result = await ActivityEnvironment().run(sweep.sweep_signals, REQUEST)
    assert turns == ["commands", "clicks", "commands", "clicks", "clicks", "clicks"]
    assert result == SweepResult(done={"commands": 200, "clicks": 400})


async def test_a_sweep_ends_after_some_batches_and_says_that_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROUNDS", 3)
    result = await ActivityEnvironment().run(build(Flood("commands", 0, []), Flood("clicks", 9, [])).sweep_signals, REQUEST)
    assert (result.done, result.more) == ({"commands": 0, "clicks": 300}, True)


async def test_a_sweep_is_alive_while_its_signals_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", 0)
    beat = asyncio.Event()

    class Slow(Flood):
        async def sweep(self) -> tuple[int, bool]:
            async with asyncio.timeout(20):
                for _ in range(3):
                    beat.clear()
                    await beat.wait()
            return 3, False

    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *_: beat.set()
    sweep = build(Flood("commands", 0, []), Slow("clicks", 0, []))
    assert (await environment.run(sweep.sweep_signals, REQUEST)).done == {"commands": 0, "clicks": 3}
