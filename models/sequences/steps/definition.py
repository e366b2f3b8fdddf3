"""The step language: what a sequence is made of. It is data, not code, and a published version never changes.

A step runs, then the step named by `next` runs, or the one that stands after it in the list; after the last one the sequence
ends. Durations are ISO 8601 (`"P3D"`, `"PT30S"`) or seconds.
"""

from dataclasses import dataclass
from functools import cached_property

from pydantic import Field

from models.sequences.steps.base import Decision, Effect, Ended, Frozen, InstantEffect, StepOfAnyKind, Wait
from models.sequences.steps.message import Utm
from models.sequences.steps.registry import Step
from models.triggers.definition import MAX_TRIGGERS, Triggers


@dataclass(frozen=True)
class Passed:
    """A step on the way that takes no time. A decision has its outcome; an instant effect has None, because it has yet to be
    written."""

    step: Decision | InstantEffect
    outcome: str | None


@dataclass(frozen=True)
class Arrival:
    """Where a walk ends: at an effect that takes time, a wait, or the end with its outcome in a word."""

    passed: tuple[Passed, ...]
    at: Effect | Wait | Ended


class SequenceDefinition(Frozen):
    """The steps in order; the first one is where an enrollment starts. `triggers` listen to the links of all its messages, and
    `utm` is for the links of all its messages."""

    steps: tuple[Step, ...] = Field(min_length=1, max_length=100)
    triggers: Triggers = Field((), max_length=MAX_TRIGGERS)
    utm: Utm | None = None
    utm_overwrite: bool = False

    @cached_property
    def _places(self) -> dict[str, int]:
        return {step.key: place for place, step in reversed(list(enumerate(self.steps)))}

    def step(self, key: str) -> Step:
        """Raises KeyError for an unknown key; a published version has all keys."""
        return self.steps[self._places[key]]

    def following(self, key: str, named: str | None) -> str | None:
        """Returns the key of the step that follows the step `key`: the `named` one, else the one below. Returns None when the
        sequence ends."""
        if named is not None:
            return named
        place = self._places[key] + 1
        return self.steps[place].key if place < len(self.steps) else None

    def walk(self, key: str | None) -> Arrival:
        """Goes from the step `key` through decisions and instant effects to the next rest: an effect that takes time, a wait, or
        the end."""
        passed: list[Passed] = []
        while key is not None:
            step: StepOfAnyKind = self.step(key)
            if isinstance(step, InstantEffect):
                passed.append(Passed(step, None))
                key = self.following(step.key, step.next)
                continue
            if isinstance(step, Effect | Wait):
                return Arrival(tuple(passed), step)
            assert isinstance(step, Decision)  # noqa: S101 - there are three families
            decided = step.decide()
            if isinstance(decided, Ended):
                return Arrival(tuple(passed), decided)
            passed.append(Passed(step, decided.outcome))
            key = self.following(key, decided.to)
        return Arrival(tuple(passed), Ended("completed"))
