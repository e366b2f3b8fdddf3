"""Every kind of action. A new one is its file in this package, an import here, and its name in `AnyAction`."""

from typing import Annotated, get_args

from pydantic import Field

from models.triggers.actions.base import Action
from models.triggers.actions.enroll import EnrollAction
from models.triggers.actions.go_to import GoToAction
from models.triggers.actions.leave import LeaveAction
from models.triggers.actions.notify import NotifyAction
from models.triggers.actions.send import SendAction
from models.triggers.actions.set_field import SetFieldAction
from models.triggers.actions.tag import TagAction, UntagAction

AnyAction = Annotated[
    SendAction | EnrollAction | LeaveAction | GoToAction | TagAction | UntagAction | SetFieldAction | NotifyAction,
    Field(discriminator="kind"),
]

ACTION_KINDS: dict[str, type[Action]] = {each.model_fields["kind"].default: each for each in get_args(get_args(AnyAction)[0])}
"""The model of each kind by its word."""
