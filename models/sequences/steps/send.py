"""The step `send`: one message by a channel. `activities/steps/send.py` sends it."""

from typing import Literal

from pydantic import Field

from models.sequences.steps.base import Effect, StepKey
from models.sequences.steps.message import MessageTemplate
from models.texts.text import Text
from models.triggers.definition import MAX_TRIGGERS, Triggers


class SendStep(Effect):
    """Send one message by a channel; goes on when the channel has accepted it, or at once when the contact cannot get it."""

    kind: Literal["send"] = "send"
    key: StepKey
    channel: Text = Field(description="Name of a channel.", examples=["simulator-sms"])
    message: MessageTemplate
    triggers: Triggers = Field((), max_length=MAX_TRIGGERS, description="What clicks on the links of this message start.")
    next: StepKey | None = None
