"""How answers about messages and clicks name the trigger that has sent the message."""

from uuid import UUID

from pydantic import BaseModel, Field


class SentByTrigger(BaseModel):
    """All are null for a message that no trigger has sent."""

    firing_id: UUID | None = Field(description="The occurrence of the trigger that has sent the message, and its entry.")
    trigger_key: str | None = Field(description="The key of that trigger.", examples=["hot"])
    trigger_campaign_id: UUID | None = Field(description="The campaign of that trigger.")
    trigger_sequence_id: UUID | None = Field(description="The sequence of that trigger.")
