"""The step `stop_other`: other enrollments of the contact end."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from models.sequences.steps.base import InstantEffect, NamedSequence, StepKey


class StopOtherStep(InstantEffect):
    """Stop the contact's other enrollments that are not over. This enrollment goes on. Its outcome is `stopped` with their
    number."""

    kind: Literal["stop_other"] = "stop_other"
    key: StepKey
    sequence_id: UUID | None = Field(None, description="Only those in this sequence; null: those in all sequences.")
    next: StepKey | None = None

    def named_sequences(self) -> tuple[NamedSequence, ...]:
        return (NamedSequence("sequence_id", self.sequence_id, enrolls=False),) if self.sequence_id else ()
