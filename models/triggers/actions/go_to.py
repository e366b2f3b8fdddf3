"""The action `go_to`: this enrollment goes on from another of its steps."""

from typing import Literal

from models.sequences.steps.base import StepKey
from models.triggers.actions.base import OwnEnrollmentAction


class GoToAction(OwnEnrollmentAction):
    """Let the enrollment whose message was clicked go on from this step of its version, wherever it waits."""

    kind: Literal["go_to"] = "go_to"
    step: StepKey
