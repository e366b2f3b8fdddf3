"""Every kind of step. A new one is its file in this package, an import here, and its name in `Step`."""

from typing import Annotated, get_args

from pydantic import Field

from models.sequences.steps.base import StepOfAnyKind
from models.sequences.steps.end import EndStep
from models.sequences.steps.enroll import EnrollStep
from models.sequences.steps.notify import NotifyStep
from models.sequences.steps.send import SendStep
from models.sequences.steps.stop_other import StopOtherStep
from models.sequences.steps.update_contact import UpdateContactStep
from models.sequences.steps.wait import WaitStep
from models.sequences.steps.wait_for_click import WaitForClickStep

Step = Annotated[
    SendStep | UpdateContactStep | EnrollStep | StopOtherStep | NotifyStep | WaitStep | WaitForClickStep | EndStep,
    Field(discriminator="kind"),
]

KINDS: dict[str, type[StepOfAnyKind]] = {each.model_fields["kind"].default: each for each in get_args(get_args(Step)[0])}
"""The model of each kind by its word."""
