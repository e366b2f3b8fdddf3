"""What providers report of a message that they have accepted: each report is a row, and the message keeps the highest one."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now


class ReportKind(StrEnum):
    """In the order of their ranks. A report that comes later and has a lower rank never replaces a higher one (`RANKS`)."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    BOUNCED = "bounced"
    REPLIED = "replied"
    COMPLAINED = "complained"


RANKS = {kind: rank for rank, kind in enumerate(ReportKind, start=1)}


class MessageReport(SQLModel, table=True):
    """`event_key` names what the provider told us, so that a report that comes many times is one row. `code` is the provider's
    own, and `reported_at` the provider's time, or that of its arrival."""

    __tablename__ = "message_report"
    __table_args__ = (Index("uq_message_report_message_id_event_key", "message_id", "event_key", unique=True),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    message_id: UUID = Field(foreign_key="message.id")
    kind: ReportKind = Field(sa_type=String)
    event_key: str
    code: str | None = None
    detail: str | None = None
    reported_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    received_at: datetime = Field(default_factory=now, sa_type=Timestamp)
