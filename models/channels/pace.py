"""How fast a channel sends: one token bucket for each channel, and one for each recipient domain, which all workers share."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.base import Timestamp, now


class ChannelPace(SQLModel, table=True):
    """`domain` is empty for the bucket of the channel itself. `tokens` is what was left at `updated_at`; it is below 0 when a
    message cost more than the bucket holds. People who wait have taken the time up to `waits_until`, one after the other.

    Nothing is sent to the domain before `slow_until`, because its server asked us to slow down, `slowed` times in a row.
    """

    __tablename__ = "channel_pace"

    channel_id: UUID = Field(primary_key=True, foreign_key="channel.id")
    domain: str = Field(primary_key=True)
    tokens: float = 0
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    waits_until: datetime | None = Field(default=None, sa_type=Timestamp)
    slow_until: datetime | None = Field(default=None, sa_type=Timestamp)
    slowed: int = 0


def domain_of(address: str) -> str:
    """Returns the domain of an e-mail address. A phone number has none, which is an empty one."""
    return address.rpartition("@")[2].lower() if "@" in address else ""
