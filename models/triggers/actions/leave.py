"""The action `leave`: this enrollment ends. Together with `enroll`, the person moves to another sequence."""

from typing import Literal

from models.triggers.actions.base import OwnEnrollmentAction


class LeaveAction(OwnEnrollmentAction):
    """End the enrollment whose message was clicked. Nothing more of it is sent."""

    kind: Literal["leave"] = "leave"
