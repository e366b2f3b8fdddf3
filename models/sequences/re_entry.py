"""How often one contact can be enrolled in one sequence. The rule holds however the contact comes in."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from models.sequences.steps.base import Duration, Frozen


class ReEntry(StrEnum):
    """never: once for ever. after_finishing: once at a time. always: several enrollments can run side by side."""

    NEVER = "never"
    AFTER_FINISHING = "after_finishing"
    ALWAYS = "always"


class ReEntryLimit(Frozen):
    """At most `times` enrollments of one contact begin within `period`, which ends now."""

    times: Annotated[int, Field(strict=True, ge=1, le=1000, examples=[3])]
    period: Duration = Field(examples=["P30D"])

    def since(self, now: datetime) -> datetime:
        """Returns when the period that ends now has begun."""
        return now - self.period
