"""A live event: something that happened to a message, a click, an enrollment, a consent, an inbound message or a campaign, named
by ids alone. Programs that follow `GET /v1/events/stream` are told of it, and it is forgotten after a day.

Triggers of those tables write the rows (`migrations/versions/0006_live_events.py`), so no caller has to remember them.
`models/live/read.py` says how they are read without losing one.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Column, Identity, SmallInteger, String
from sqlmodel import Field, SQLModel

from models.base import Timestamp

CHANNEL = "live_event"
"""What PostgreSQL notifies of (`LISTEN`), once for each batch of recorded clicks."""


class LiveKind(StrEnum):
    """What it happened to. `state` then says what: the verdict of a click, recorded or corrected, the new state of a message, an
    enrollment or a campaign, the report of a provider, the meaning of an inbound message, and the state of a consent."""

    CLICK = "click"
    MESSAGE = "message"
    REPORT = "report"
    INBOUND_MESSAGE = "inbound_message"
    CONSENT = "consent"
    ENROLLMENT = "enrollment"
    CAMPAIGN = "campaign"


class LiveEvent(SQLModel, table=True):
    """`xid` is the number of the transaction that wrote it, and `row_id` the id of the click, message, … that it is about; a
    report has that of its message. `slot` is the partition, which changes every day (`models/live/slots.py`)."""

    __tablename__ = "live_event"
    __table_args__ = {"postgresql_partition_by": "LIST (slot)"}

    org_id: UUID = Field(primary_key=True)
    xid: int = Field(sa_column=Column(BigInteger, primary_key=True))
    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    slot: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    kind: LiveKind = Field(sa_type=String)
    state: str
    row_id: UUID
    campaign_id: UUID | None = None
    sequence_id: UUID | None = None
    contact_id: UUID | None = None
    at: datetime = Field(sa_type=Timestamp)
