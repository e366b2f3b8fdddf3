"""A campaign: one message to many contacts, with an optional link click trigger."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.contact import Contact
from models.errors import NotFound
from models.paging import PageRequest, newest_first


class CampaignState(StrEnum):
    """draft → sending (launched) → tracking (all sent, the workflow shows clicks) → completed."""

    DRAFT = "draft"
    SENDING = "sending"
    TRACKING = "tracking"
    COMPLETED = "completed"


class Campaign(SQLModel, table=True):
    """`audience` {"tags": [], "contact_ids": []}: contacts with any of the tags, and these; `trigger` {"link": name or null,
    "sequence_id": id}; `message` a MessageTemplate, `utm` a Utm. `link_tracking` and `link_domain` None inherit from the
    organization."""

    __table_args__ = (Index("ix_campaign_link_domain", "link_domain", postgresql_where=text("link_domain IS NOT NULL")),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    name: str
    state: CampaignState = Field(default=CampaignState.DRAFT, sa_type=String)
    channel_id: UUID = Field(foreign_key="channel.id")
    message: dict[str, Any] = Field(sa_type=JSONB)
    audience: dict[str, Any] = Field(sa_type=JSONB)
    link_tracking: bool | None = None
    link_domain: str | None = None
    utm: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    utm_overwrite: bool = False
    trigger: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    content_id: int | None = Field(default=None, foreign_key="content.id")
    recipients: int | None = Field(default=None, description="How many contacts were in the audience at the launch.")
    launched_at: datetime | None = Field(default=None, sa_type=Timestamp)
    workflow_started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    tracking_until: datetime | None = Field(default=None, sa_type=Timestamp)
    digest_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)


async def get_campaign(session: AsyncSession, org_id: UUID, campaign_id: UUID, *, lock: bool = False) -> Campaign:
    """`lock`: nobody else changes or launches it until this transaction ends."""
    row = await session.get(Campaign, campaign_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.org_id != org_id:
        raise NotFound("No such campaign.")
    return row


async def list_campaigns(
    session: AsyncSession, org_id: UUID, state: CampaignState | None, page: PageRequest
) -> tuple[list[Campaign], UUID | None]:
    statement = select(Campaign).where(col(Campaign.org_id) == org_id)
    if state is not None:
        statement = statement.where(col(Campaign.state) == state)
    return await newest_first(session, statement, col(Campaign.id), page)


async def unknown_contacts(session: AsyncSession, org_id: UUID, contact_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the ids that are no contact of the organization, in their order."""
    known = await session.scalars(select(col(Contact.id)).where(col(Contact.org_id) == org_id, col(Contact.id).in_(contact_ids)))
    found = set(known)
    return [each for each in contact_ids if each not in found]


async def delete_campaign(session: AsyncSession, campaign: Campaign) -> None:
    """Drafts only: nothing refers to them yet."""
    await session.delete(campaign)
    await session.flush()
