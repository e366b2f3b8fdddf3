"""The action `notify`: a team hears of it."""

from typing import Literal

from pydantic import Field

from models.texts.text import Text
from models.triggers.actions.base import Action


class NotifyAction(Action):
    """Notify a team by one of the organization's notification targets."""

    kind: Literal["notify"] = "notify"
    target: Text = Field(description="Name of a notification target.", examples=["Sales"])
    text: Text | None = Field(
        None,
        min_length=1,
        max_length=2_000,
        description="A Liquid template. null: the text of the target.",
        examples=["{{ contact.first_name }} clicked {{ link.name }}"],
    )
