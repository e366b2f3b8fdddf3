"""The step `enroll`: the contact enters another sequence, beside this one."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from models.sequences.steps.base import InstantEffect, NamedSequence, StepKey
from models.sequences.variables import Variables


class EnrollStep(InstantEffect):
    """Enroll the contact in another sequence, in the version that is the latest then. This enrollment goes on. Its outcome is
    `enrolled`, or `not_enrolled` with the reason."""

    kind: Literal["enroll"] = "enroll"
    key: StepKey
    sequence_id: UUID
    variables: Variables = Field(default_factory=dict)
    next: StepKey | None = None

    def named_sequences(self) -> tuple[NamedSequence, ...]:
        return (NamedSequence("sequence_id", self.sequence_id, enrolls=True),)
