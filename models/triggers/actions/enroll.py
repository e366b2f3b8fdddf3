"""The action `enroll`: the person enters a sequence."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from models.sequences.variables import Variables
from models.triggers.actions.base import Action


class EnrollAction(Action):
    """Enroll the person in a sequence. It gets the version that is the latest at that time."""

    kind: Literal["enroll"] = "enroll"
    sequence_id: UUID
    variables: Variables = Field(default_factory=dict)
