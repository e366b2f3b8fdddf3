"""The action `send`: a message of its own, with tracked links."""

from typing import Literal

from pydantic import Field

from models.sequences.steps.message import MessageTemplate
from models.texts.text import Text
from models.triggers.actions.base import Action


class SendAction(Action):
    """Send one message by a channel to the person who clicked, or did not click."""

    kind: Literal["send"] = "send"
    channel: Text = Field(description="Name of a channel.", examples=["simulator-sms"])
    message: MessageTemplate
