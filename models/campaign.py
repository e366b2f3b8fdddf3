"""A campaign: one message to many contacts, with an optional link click trigger."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now


class CampaignState(StrEnum):
    """draft → sending (launched) → tracking (all sent, the workflow shows clicks) → completed."""

    DRAFT = "draft"
    SENDING = "sending"
    TRACKING = "tracking"
    COMPLETED = "completed"


class Campaign(SQLModel, table=True):
    """`audience` {"tags": [], "contact_ids": []}: contacts with any of the tags, and these; `trigger` {"link": name or null,
    "sequence_id": id}; `message` a MessageTemplate. `link_tracking` None inherits from the organization."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    name: str
    state: CampaignState = Field(default=CampaignState.DRAFT, sa_type=String)
    channel_id: UUID = Field(foreign_key="channel.id")
    message: dict[str, Any] = Field(sa_type=JSONB)
    audience: dict[str, Any] = Field(sa_type=JSONB)
    link_tracking: bool | None = None
    trigger: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    content_id: int | None = Field(default=None, foreign_key="content.id")
    launched_at: datetime | None = Field(default=None, sa_type=Timestamp)
    workflow_started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    tracking_until: datetime | None = Field(default=None, sa_type=Timestamp)
    digest_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)
