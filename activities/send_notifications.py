"""Tells teams what happened: its part of the sweeper is woken when items are added, and wakes by itself when the next
notification is due."""

from datetime import timedelta

from temporalio import activity

from activities.heartbeats import beating
from models.wire.sweeper import SweepRequest, SweepResult
from services.notifications.notifier import Notifier

SHORTEST = timedelta(seconds=0.2)


class SendNotifications:
    def __init__(self, notifier: Notifier, interval: timedelta) -> None:
        """`interval` is the longest time between two sweeps."""
        self._notifier = notifier
        self._interval = interval

    @activity.defn
    async def send_notifications(self, _request: SweepRequest) -> SweepResult:
        """It is safe to repeat: what was claimed by a dead attempt is due again when its lease is over."""
        async with beating():
            done = await self._notifier.round()
            wait = await self._notifier.wait()
        interval = self._interval if wait is None else max(SHORTEST, min(wait, self._interval))
        return SweepResult(done={"sent": done["sent"], "failed": done["failed"]}, interval=interval)
