"""The step `wait_for_click`: waits for a person's click, at most for a time, and branches."""

from datetime import timedelta
from typing import Literal

from models.sequences.steps.base import Decided, Duration, Edge, LinkName, StepKey, Wait, WakingLink


class WaitForClickStep(Wait):
    """Wait until the contact clicks, at most `timeout`, and branch.

    Without `link`, any link of the message sent last counts. With `link`, the link of that name in any message sent so far
    counts. A click before the wait counts. Each link of a message wakes once: a click that has led to a branch is used up.
    """

    kind: Literal["wait_for_click"] = "wait_for_click"
    key: StepKey
    link: LinkName | None = None
    timeout: Duration
    on_click: StepKey
    on_timeout: StepKey

    def lasts(self) -> timedelta:
        return self.timeout

    def when_over(self) -> Decided:
        return Decided("timed_out", self.on_timeout)

    def waking_links(self) -> tuple[WakingLink, ...]:
        return (WakingLink(self.link, self.on_click, "clicked"),)

    def edges(self) -> tuple[Edge, ...]:
        return (Edge("on_click", self.on_click), Edge("on_timeout", self.on_timeout, self.timeout))
