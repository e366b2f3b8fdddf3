"""A trigger as its author writes it: what a click on a campaign, a sequence or one message of it starts."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator

from models.sequences.steps.base import Duration, Frozen, LinkName, StepKey
from models.triggers.actions.base import NotEmpty
from models.triggers.actions.registry import AnyAction

MAX_ACTIONS = 20
"""The most actions of one trigger."""


class TriggerDefinition(Frozen):
    """A click of a person on the link fires the trigger, and its actions are done in their order.

    With `when: not_clicked`, it fires for those who have not clicked by the deadline `within` after the message was sent.
    """

    key: StepKey = Field(
        description="Unique in its list. It names the trigger in reports and in the Temporal UI.", examples=["hot"]
    )
    when: Literal["clicked", "not_clicked"] = "clicked"
    link: LinkName | None = Field(None, description="Name of a link of the message. null: any link.")
    times: int = Field(1, ge=1, le=1000, strict=True, description="The most times that it fires for one person.")
    within: Duration | None = Field(
        None,
        validate_default=True,
        description="clicked: later clicks do not fire it; null means for ever. not_clicked: the deadline. Counts from the send.",
    )
    segment_id: UUID | None = Field(None, description="It fires only for contacts that are in this segment at that time.")
    actions: Annotated[tuple[AnyAction, ...], NotEmpty()] = Field(max_length=MAX_ACTIONS)

    @field_validator("times")
    @classmethod
    def _once(cls, times: int, info: ValidationInfo) -> int:
        if info.data.get("when") == "not_clicked" and times != 1:
            raise ValueError("a message is not clicked once: leave times out")
        return times

    @field_validator("within")
    @classmethod
    def _deadline(cls, within: timedelta | None, info: ValidationInfo) -> timedelta | None:
        if info.data.get("when") == "not_clicked" and within is None:
            raise ValueError("a trigger on not_clicked needs its deadline: set within, such as P3D")
        return within


Triggers = tuple[TriggerDefinition, ...]
MAX_TRIGGERS = 20
"""The most triggers of one campaign, of one sequence, and of one step."""
