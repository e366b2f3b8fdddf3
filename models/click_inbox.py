"""The two small queues between the redirect and everything else: clicks to be recorded, workflows to be signalled."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.base import Timestamp, now


class ClickInbox(SQLModel, table=True):
    """A durable click that is not recorded yet. When the organization keeps no metadata, `ip` and `user_agent` are null here
    already: they were never stored."""

    __tablename__ = "click_inbox"

    id: UUID = Field(primary_key=True, description="UUIDv7 made by the redirect: also the click's id.")
    content_id: int
    ordinal: int
    position: int
    clicked_at: datetime = Field(sa_type=Timestamp)
    verdict: str
    reason: str
    ip: str | None = None
    user_agent: str | None = None


class SignalOutbox(SQLModel, table=True):
    """A human click that something waits for (`content.wakes`), not delivered yet. `due_at`: not before."""

    __tablename__ = "signal_outbox"

    click_id: UUID = Field(primary_key=True)
    content_id: int
    ordinal: int
    position: int
    due_at: datetime = Field(default_factory=now, sa_type=Timestamp, index=True)
    attempts: int = 0
    last_error: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
