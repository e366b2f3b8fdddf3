"""What an enrollment's workflow is started with, asks its activity, and carries from run to run."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from models.wire.base import Wire
from models.wire.clicks import LinkKey
from models.wire.commands import Command

FinalState = Literal["completed", "stopped", "failed"]

MOVED = "moved"
"""How a step is left because of a command, and not because of what happened there."""


class PlannedStep(Wire):
    """`queue` is the task queue of the channel that the step sends by. None is the queue of the workflows."""

    key: str
    kind: str
    queue: str | None = None


class Plan(Wire):
    """What a workflow has to know of its published version: which steps there are, and where each is taken. No texts."""

    name: str
    version: int
    steps: tuple[PlannedStep, ...] = Field(min_length=1)

    def step(self, key: str | None) -> PlannedStep | None:
        return next((step for step in self.steps if step.key == key), None)

    def queue_of(self, key: str | None) -> str | None:
        step = self.step(key)
        return step.queue if step else None


class Wake(Wire):
    """A click that ends a wait: on the link of that name in any message sent so far, or, with None, on any link of the message
    sent last. `to` is the step that follows, None ends the sequence; `outcome` is how the wait was left then."""

    link: str | None
    to: str | None
    outcome: str


class Waiting(Wire):
    """At rest until `due_at`, or until a click. `to` and `outcome` say what follows when the time is over."""

    kind: Literal["waiting"] = "waiting"
    due_at: datetime
    to: str | None
    outcome: str
    wakes: tuple[Wake, ...] = ()


class Sending(Wire):
    """The step is to be taken now. `queue` is the task queue of its channel, and None when it has no channel. It is taken on the
    queue of the workflows, which is the shorter way, unless the channel is `crowded` there."""

    kind: Literal["sending"] = "sending"
    queue: str | None
    crowded: bool = False


class Later(Wire):
    """The step cannot be taken now. It is taken again `at` this time; until then the enrollment can be stopped like in a wait."""

    kind: Literal["later"] = "later"
    at: datetime
    why: str


class Over(Wire):
    kind: Literal["over"] = "over"
    state: FinalState
    outcome: str


Rest = Annotated[Waiting | Sending | Later | Over, Field(discriminator="kind")]


class ClickMemory(Wire):
    """Which links of the enrollment's messages were clicked, and which of these clicks have led somewhere.

    `sent` holds the step run of the message that each send step sent last; `last_sent` is the key of the one that sent last.
    """

    sent: dict[str, int] = Field(default_factory=dict)
    last_sent: str | None = None
    clicked: tuple[LinkKey, ...] = ()
    used: tuple[LinkKey, ...] = ()


class EnrollmentProgress(Wire):
    """The whole state of an enrollment's workflow: the answer to the query `progress`, and the input of its next run.

    The enrollment stands at `step_key` in its passage number `step_run`, and rests there. `previous_outcome` is how the passage
    before was left. `ending` is how the enrollment ends: its row says so already, and a message whose sending was interrupted is
    waited for. `commands` are open ones in the order in which they came, `seen` the ids of the latest ones. `looks_again` says
    that a channel was resumed while the turn is under way.
    """

    step_key: str | None
    step_run: int
    rest: Rest
    previous_outcome: str | None = None
    ending: Over | None = None
    clicks: ClickMemory = ClickMemory()
    commands: tuple[Command, ...] = ()
    seen: tuple[UUID, ...] = ()
    looks_again: bool = False


class EnrollmentInput(Wire):
    org_id: UUID
    enrollment_id: UUID
    sequence_id: UUID
    sequence_version_id: UUID
    contact_id: UUID
    campaign_id: UUID | None = None
    plan: Plan
    progress: EnrollmentProgress | None = None


class EnrollmentResult(Wire):
    outcome: str
    steps: int


class Unless(Wire):
    """A wait is over by its time, unless one of these messages was clicked and nobody signalled it: then `wake` says what
    follows."""

    wake: Wake
    step_runs: tuple[int, ...]


class TurnRequest(Wire):
    """Go on from here to the next rest: take the step `step_key` in the passage `step_run`, and the steps that follow at once.

    A `step_key` of None means that nothing follows, so the enrollment is completed. `end` ends it instead of taking a step; then
    `step_run` is the passage in which it stands. `queue` is the task queue that this turn works on. None is that of the
    workflows, where a step is taken if its channel has a place; on another queue, only steps that send by it are taken.
    """

    org_id: UUID
    enrollment_id: UUID
    sequence_version_id: UUID
    step_run: int
    step_key: str | None
    queue: str | None = None
    previous_outcome: str | None = None
    unless: tuple[Unless, ...] = ()
    used: tuple[LinkKey, ...] = ()
    end: Over | None = None


class SentMessage(Wire):
    """A message that has gone out, or perhaps has: its clicks count from now on."""

    step_key: str
    step_run: int


class Turn(Wire):
    """Where a turn came to. `woken_by` is the link of a click that nobody had signalled and that led on."""

    step_key: str | None
    step_run: int
    rest: Rest
    previous_outcome: str | None = None
    sent: tuple[SentMessage, ...] = ()
    woken_by: LinkKey | None = None
