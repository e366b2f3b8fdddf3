"""What an effect is: something that a step does. There is one file of this package for each kind, and a line in `registry.py`.

An effect that takes time is done by a `Doing`, an instant one by a `Writing`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.messages.ledger import SendResult
from models.sequences.enrollment import Enrollment
from models.sequences.progress import Move, Passage, move
from models.sequences.standing import Locked
from models.sequences.steps.base import Effect, InstantEffect
from models.wire.enrollments import Later, SentMessage, TurnRequest
from services.published import Published

StepOf = TypeVar("StepOf", bound=Effect, contravariant=True)
InstantStepOf = TypeVar("InstantStepOf", bound=InstantEffect, contravariant=True)


class Elsewhere(Exception):
    """The enrollment does not stand where this turn believes: another attempt has gone on, or it is over."""


class StopAsked(Exception):
    """Somebody has asked for the enrollment's stop, so an instant effect was not written."""


@dataclass(frozen=True)
class Here:
    """The step that is taken in the passage `number`, and what has to be written when it is entered. `left_by` is how the passage
    before was left, `passed` the decisions and instant effects on the way since then."""

    request: TurnRequest
    version: Published
    number: int
    left_by: str | None
    passed: Sequence[Passage] = ()

    @property
    def came_from(self) -> int:
        """The passage in which the enrollment stands until this one is entered."""
        return self.number - 1 - len(self.passed)

    @property
    def has_effects(self) -> bool:
        """Whether instant effects are to be written on the way."""
        return any(each.outcome is None for each in self.passed)

    async def enter(self, session: AsyncSession, enrollment: Locked, step: Effect) -> None:
        """Enters the step. Nothing happens when the step was entered before."""
        if enrollment.finished_at is not None or enrollment.step_run not in (self.came_from, self.number):
            raise Elsewhere
        if enrollment.step_run == self.number:
            if enrollment.step_key != step.key:
                raise Elsewhere
            return
        entered = (*self.passed, Passage(self.number, step.key, step.kind))
        await move(session, Move(enrollment.id, self.came_from, self.left_by, entered))


@dataclass(frozen=True)
class Done:
    """The effect has happened. The `result` of its message is written in the statement in which the enrollment goes on. None
    means that everything has been written already."""

    outcome: str
    result: SendResult | None = None
    sent: SentMessage | None = None


@dataclass(frozen=True)
class MustEnd:
    """Nothing may happen any more, because somebody has asked for the enrollment's stop."""


class Doing(Protocol[StepOf]):
    """Enters the step and does what it says. It is safe to repeat, because (enrollment, number) tells what has happened already.

    Raises `Elsewhere`; with every other error the attempt is made again.
    """

    async def take(self, here: Here, step: StepOf) -> Done | Later | MustEnd: ...


class At(NamedTuple):
    """The enrollment, which is locked together with its contact, and its passage through the instant step."""

    enrollment: Enrollment
    number: int


@dataclass(frozen=True)
class Written:
    """What an instant effect wrote, in a word. Once it is committed, the workflows of `enrollments` are started, `commands`
    delivered, and with `notified` the team told; that can be lost, and then the sweepers do it."""

    outcome: str
    enrollments: Sequence[UUID] = ()
    commands: Sequence[UUID] = ()
    notified: bool = False


class Writing(Protocol[InstantStepOf]):
    """Writes what an instant step says, in the transaction in which the enrollment goes on: what it writes happens once, whatever
    kills the turn.

    What cannot be done is an outcome and not an error, because the enrollment goes on with it.
    """

    async def write(self, session: AsyncSession, at: At, step: InstantStepOf) -> Written: ...
