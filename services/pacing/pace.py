"""The pace of a channel, as its settings have it."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.channels.channel import Medium
from models.channels.pace import Rate
from models.messages.content import Content
from tracking.links.segments import count_segments

FASTEST = 1000
SLOWEST = 0.001
"""Messages a second: about one in a quarter of an hour."""


class PaceUnit(StrEnum):
    MESSAGE = "message"
    SEGMENT = "segment"


SMALLEST_BURST = {PaceUnit.MESSAGE: 2, PaceUnit.SEGMENT: 6}
"""What a bucket holds at least, so that something is left for one person beside a campaign: two messages, or two longer SMS."""
RESERVED = 0.2
"""The part of a bucket that campaigns leave to people who wait for a single message; of the smallest bucket it is half."""


class Pace(BaseModel):
    """How fast the channel may send, all workers together. A second's worth can go at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_second: float | None = Field(
        None, ge=SLOWEST, le=FASTEST, description="Messages or segments a second; 0.5 is one every two seconds. null: no limit."
    )
    unit: PaceUnit = Field(PaceUnit.MESSAGE, description="What the provider counts; segments are those of an SMS.")
    domain_per_second: float | None = Field(
        None, ge=SLOWEST, le=FASTEST, description="E-mail only: messages a second to each recipient domain. null: no limit."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.per_second is None and self.domain_per_second is None:
            raise ValueError("give per_second, domain_per_second or both, or leave the pace out")
        return self

    def misfits(self, medium: Medium) -> dict[str, str]:
        """Returns what makes no sense for this medium, as a sentence for each field."""
        if medium == Medium.EMAIL and self.unit == PaceUnit.SEGMENT:
            return {"unit": "Write message: an e-mail has no segments."}
        if medium != Medium.EMAIL and self.domain_per_second is not None:
            return {"domain_per_second": "Leave it out: only e-mail addresses have a domain."}
        return {}

    def rate(self) -> Rate | None:
        """Returns the rate of the channel itself."""
        return _rate(self.per_second, SMALLEST_BURST[self.unit]) if self.per_second is not None else None

    def domain_rate(self) -> Rate | None:
        """Returns the rate of each recipient domain."""
        floor = SMALLEST_BURST[PaceUnit.MESSAGE]
        return _rate(self.domain_per_second, floor) if self.domain_per_second is not None else None

    def estimate(self, medium: Medium, content: Content) -> int:
        """Returns about how many tokens a message of this content costs, before it is composed."""
        return self.cost(medium, content.body)

    def cost(self, medium: Medium, body: str) -> int:
        """Returns how many tokens a text costs."""
        if self.unit == PaceUnit.MESSAGE or medium != Medium.SMS:
            return 1
        return max(1, count_segments(body).segments)


def _rate(per_second: float, smallest_burst: float) -> Rate:
    burst = max(per_second, smallest_burst)
    return Rate(per_second, burst, reserve=max(RESERVED * burst, smallest_burst / 2))
