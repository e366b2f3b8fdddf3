"""Delivers the clicks and commands that a crash or an outage left. They have a sweeper of their own, so that neither ten thousand
rows without a workflow nor a start that always fails nor the search for workflows that are gone can hold them up."""

from datetime import timedelta

from temporalio import activity

from activities.heartbeats import beating
from models.wire.sweeper import SweepRequest, SweepResult
from services.commands.deliver import CommandDelivery
from services.deliver_signals import SignalDelivery

ROUNDS = 50
"""One sweep takes at most this many batches of each, so that its activity ends well within its time."""


class SweepSignals:
    def __init__(self, commands: CommandDelivery, clicks: SignalDelivery, interval: timedelta | None = None) -> None:
        """`interval` is told to the sweeper with every sweep. Without one it keeps its own."""
        self._commands = commands
        self._clicks = clicks
        self._interval = interval

    @activity.defn
    async def sweep_signals(self, _request: SweepRequest) -> SweepResult:
        """Delivers batches of both in turns, so that a flood of one does not hold up the other."""
        commands = clicks = 0
        async with beating():
            for _ in range(ROUNDS):
                commands_done, more_commands = await self._commands.sweep()
                clicks_done, more_clicks = await self._clicks.sweep()
                commands, clicks = commands + commands_done, clicks + clicks_done
                more = more_commands or more_clicks
                if not more:
                    break
        return SweepResult(done={"commands": commands, "clicks": clicks}, more=more, interval=self._interval)
