"""Clicks as they are kept: the click, and what is known of where and with what. `models/clicks/counters.py` counts them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.base import Timestamp

OF_NOTHING_ELSE = "campaign_id IS NULL AND sequence_id IS NULL"
"""These clicks count for their link alone: those on shared links, and on the messages that triggers send."""


class Scope(StrEnum):
    """What is counted: a campaign's message, all messages of a sequence, or a link. Links of messages are counted within their
    campaign or sequence. A shared link, which anybody may click, and a link of a trigger's message have scopes of their own.
    All clicks of an organization are counted over time alone, in `click_series`, without its links and people."""

    CAMPAIGN = "campaign"
    SEQUENCE = "sequence"
    LINK = "link"
    ORGANIZATION = "organization"


OWNERS = {
    Scope.CAMPAIGN: ("campaign_id", ""),
    Scope.SEQUENCE: ("sequence_id", ""),
    Scope.LINK: ("link_id", f"{OF_NOTHING_ELSE} AND "),
    Scope.ORGANIZATION: ("org_id", ""),
}
"""By scope: the column of `click` that has it, and what else must be true of a click so that it counts there."""


class Click(SQLModel, table=True):
    """The table is partitioned by month (UTC) of the time in `id`, which is the redirect's UUIDv7, so that whoever knows the id
    knows the partition. `clicked_at` is that time. `sent_at` is when the channel took the
    message, as it was known when the click was recorded. A click on a shared link has neither contact nor message."""

    __table_args__ = (
        Index("ix_click_org_id_verdict_id", "org_id", "verdict", "id"),
        Index("ix_click_contact_id_id", "contact_id", "id"),
        Index("ix_click_enrollment_id", "enrollment_id"),
        Index("ix_click_campaign_id_verdict_id", "campaign_id", "verdict", "id"),
        Index(
            "ix_click_sequence_id_verdict_id",
            "sequence_id",
            "verdict",
            "id",
            postgresql_where=text("sequence_id IS NOT NULL"),
        ),
        Index("ix_click_link_id_verdict_id", "link_id", "verdict", "id", postgresql_where=text(OF_NOTHING_ELSE)),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: UUID = Field(primary_key=True)
    clicked_at: datetime = Field(sa_type=Timestamp)
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
    sent_at: datetime | None = Field(default=None, sa_type=Timestamp)


class ClickMetadata(SQLModel, table=True):
    """Country (ISO 3166-1 alpha-2), region and city (English), device_type (phone, tablet, desktop, bot, other). There
    is no row when the organization kept no metadata at the time of the click. The IP address is not kept. `org_id` and `verdict`
    are the click's, for the indexes of the feed's filters."""

    __tablename__ = "click_metadata"
    __table_args__ = (
        Index("ix_click_metadata_country", "org_id", "country", "verdict", "click_id"),
        Index("ix_click_metadata_device_type", "org_id", "device_type", "verdict", "click_id"),
    )

    click_id: UUID = Field(primary_key=True)
    org_id: UUID
    verdict: str
    country: str | None = None
    region: str | None = None
    city: str | None = None
    device_type: str
    browser: str | None = None
    os: str | None = None
