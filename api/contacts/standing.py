"""How a contact of a list stands: consent, suppressed addresses and the last click."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from models.channels.channel import Medium
from models.consent.consent import ConsentState
from models.consent.suppression import SuppressionReason


class MediumStandingView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    medium: Medium
    consent: ConsentState = Field(description="To marketing by any channel of this medium.")
    suppressed: SuppressionReason | None = Field(description="Why the address gets no marketing, whatever the consent says.")


class StandingView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    media: list[MediumStandingView] = Field(description="Those for which the contact has an address.")
    last_click_at: datetime | None = Field(description="By the person themselves, of any message.")
