"""Clicks as they are kept: the click, what is known of where and with what, and the counts that reports read.

`click_rollup` always equals the rows: it is written in the same transaction, from the rows really inserted.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.base import Timestamp


class Click(SQLModel, table=True):
    """Partitioned by month of `clicked_at` (UTC). `id` is the redirect's UUIDv7. A click on a shared link has neither
    contact nor message."""

    __table_args__ = (
        Index("ix_click_org_id_id", "org_id", "id"),
        Index("ix_click_contact_id_id", "contact_id", "id"),
        Index("ix_click_enrollment_id", "enrollment_id"),
        Index("ix_click_campaign_id_id", "campaign_id", "id"),
        Index("ix_click_sequence_id_id", "sequence_id", "id", postgresql_where=text("sequence_id IS NOT NULL")),
        Index("ix_click_shared_link", "link_id", "id", postgresql_where=text("message_id IS NULL")),
        {"postgresql_partition_by": "RANGE (clicked_at)"},
    )

    id: UUID = Field(primary_key=True)
    clicked_at: datetime = Field(primary_key=True, sa_type=Timestamp)
    org_id: UUID
    contact_id: UUID | None = None
    message_id: UUID | None = None
    content_id: int
    position: int
    link_id: UUID
    campaign_id: UUID | None = None
    sequence_id: UUID | None = None
    enrollment_id: UUID | None = None
    verdict: str
    reason: str


class ClickMetadata(SQLModel, table=True):
    """Country (ISO 3166-1 alpha-2), city (English), device_type (phone, tablet, desktop, bot, other). No row when the
    organization kept no metadata at the time of the click. The IP address is not kept."""

    __tablename__ = "click_metadata"

    click_id: UUID = Field(primary_key=True)
    country: str | None = None
    city: str | None = None
    device_type: str
    browser: str | None = None
    os: str | None = None


class Scope(StrEnum):
    """What is counted: a campaign's message, all messages of a sequence, or one link."""

    CAMPAIGN = "campaign"
    SEQUENCE = "sequence"
    LINK = "link"


class ClickFirst(SQLModel, table=True):
    """The first click of a person in a scope with a verdict: what makes `people` countable."""

    __tablename__ = "click_first"

    scope: str = Field(primary_key=True)
    scope_id: UUID = Field(primary_key=True)
    verdict: str = Field(primary_key=True)
    contact_id: UUID = Field(primary_key=True)
    click_id: UUID


class ClickRollup(SQLModel, table=True):
    """`clicks`, and `people` whose first click fell in this cell (so cells add up to the total). Empty text: not known."""

    __tablename__ = "click_rollup"

    scope: str = Field(primary_key=True)
    scope_id: UUID = Field(primary_key=True)
    hour: datetime = Field(primary_key=True, sa_type=Timestamp)
    verdict: str = Field(primary_key=True)
    country: str = Field(primary_key=True)
    city: str = Field(primary_key=True)
    device_type: str = Field(primary_key=True)
    clicks: int = 0
    people: int = 0
