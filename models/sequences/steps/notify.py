"""The step `notify`: a team hears of the contact."""

from typing import Annotated, Literal

from pydantic import Field

from models.sequences.steps.base import InstantEffect, StepKey
from models.texts.text import Text

NotificationText = Annotated[
    Text, Field(min_length=1, max_length=2_000, description="A Liquid template. null: the text of the target.")
]


class NotifyStep(InstantEffect):
    """Notify a team by one of the organization's notification targets. Its outcome is `notified`, or why it could not be done."""

    kind: Literal["notify"] = "notify"
    key: StepKey
    target: Text = Field(description="Name of a notification target.", examples=["Sales"])
    text: NotificationText | None = None
    next: StepKey | None = None
