"""The step `end`: the sequence is over for this contact."""

from typing import Literal

from pydantic import Field

from models.sequences.steps.base import Decision, Edge, Ended, StepKey
from models.texts.text import Text


class EndStep(Decision):
    """The sequence is over for this contact, with a word for reports."""

    kind: Literal["end"] = "end"
    key: StepKey
    outcome: Text = Field("completed", min_length=1, max_length=63)

    def edges(self) -> tuple[Edge, ...]:
        return ()

    def decide(self) -> Ended:
        return Ended(self.outcome)
