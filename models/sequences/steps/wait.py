"""The step `wait`: nothing happens for a time."""

from datetime import timedelta
from typing import Literal

from models.sequences.steps.base import Decided, Duration, StepKey, Wait


class WaitStep(Wait):
    """Wait for a time."""

    kind: Literal["wait"] = "wait"
    key: StepKey
    duration: Duration
    next: StepKey | None = None

    def lasts(self) -> timedelta:
        return self.duration

    def when_over(self) -> Decided:
        return Decided("waited", self.next)
