"""A campaign: one message to many contacts, with triggers on its links."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, String, Text, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import Field, col

from models.base import Timestamp, new_id, now
from models.contacts.contact import Contact
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first
from models.start import NeedsWorkflow
from models.triggers.definition import TriggerDefinition

READ_TRIGGERS: TypeAdapter[list[TriggerDefinition]] = TypeAdapter(list[TriggerDefinition])


class CampaignState(StrEnum):
    """The states are draft → sending (launched) → tracking (everything is sent, the workflow shows clicks) → completed. When its
    workflow ends before that, the campaign is stopped (somebody decided so) or failed."""

    DRAFT = "draft"
    SENDING = "sending"
    TRACKING = "tracking"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


class Campaign(NeedsWorkflow, table=True):
    """`audience` is that of the API, as JSON; `segments` has the definitions of its segments by id, fixed at the launch.
    `triggers` are TriggerDefinitions, `message` is a MessageTemplate and `utm` a Utm. `link_tracking` and `link_domain` None
    inherit from the organization."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    name: str
    state: CampaignState = Field(default=CampaignState.DRAFT, sa_type=String)
    channel_id: UUID = Field(foreign_key="channel.id")
    message: dict[str, Any] = Field(sa_type=JSONB)
    audience: dict[str, Any] = Field(sa_type=JSONB)
    segments: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    link_tracking: bool | None = None
    link_domain: str | None = None
    utm: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    utm_overwrite: bool = False
    triggers: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    content_id: int | None = Field(default=None, foreign_key="content.id")
    recipients: int | None = Field(default=None, description="How many contacts were in the audience at the launch.")
    launched_at: datetime | None = Field(default=None, sa_type=Timestamp)
    tracking_until: datetime | None = Field(default=None, sa_type=Timestamp)
    reason: str | None = Field(default=None, description="Why it is stopped or failed.")
    digest_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)


async def get_campaign(session: AsyncSession, org_id: UUID, campaign_id: UUID, *, lock: bool = False) -> Campaign:
    """With `lock`, nobody else changes or launches it until this transaction ends."""
    row = await session.get(Campaign, campaign_id, with_for_update=lock or None, populate_existing=lock)
    return require_owned(row, org_id, "campaign")


async def may_send(session: AsyncSession, campaign_id: UUID) -> bool:
    """Whether the campaign is being sent. Nobody ends it before this transaction does."""
    state = await session.scalar(select(col(Campaign.state)).where(col(Campaign.id) == campaign_id).with_for_update(read=True))
    return state == CampaignState.SENDING


@dataclass(frozen=True)
class CampaignFilter:
    """Campaigns in any of the `states`, or in every state when there are none. `name` is a part of the name in capitals or small
    letters; None lets every name through."""

    states: Sequence[CampaignState] = ()
    name: str | None = None

    def conditions(self, org_id: UUID) -> list[ColumnElement[bool]]:
        found = [col(Campaign.org_id) == org_id]
        if self.states:
            found.append(col(Campaign.state).in_(self.states))
        if self.name is not None:
            found.append(func.strpos(func.lower(col(Campaign.name)), func.lower(self.name)) > 0)
        return found


async def list_campaigns(
    session: AsyncSession, org_id: UUID, wanted: CampaignFilter, page: PageRequest
) -> tuple[list[Campaign], UUID | None]:
    statement = select(Campaign).where(*wanted.conditions(org_id))
    size = func.octet_length(cast(col(Campaign.message), Text)) + func.octet_length(cast(col(Campaign.triggers), Text))
    return await newest_first(session, statement, col(Campaign.id), page, size)


async def list_without_texts(
    session: AsyncSession, org_id: UUID, wanted: CampaignFilter, page: PageRequest
) -> tuple[list[Campaign], UUID | None]:
    """Reads neither the messages nor the audiences and triggers, which may be large."""
    texts = [defer(getattr(Campaign, name), raiseload=True) for name in ("message", "audience", "segments", "triggers")]
    statement = select(Campaign).where(*wanted.conditions(org_id)).options(*texts)
    return await newest_first(session, statement, col(Campaign.id), page)


async def count_by_state(session: AsyncSession, org_id: UUID, name: str | None) -> dict[CampaignState, int]:
    """States without campaigns are left out."""
    state = col(Campaign.state)
    statement = select(state, func.count()).where(*CampaignFilter(name=name).conditions(org_id)).group_by(state)
    return {CampaignState(found): number for found, number in await session.execute(statement)}


async def unknown_contacts(session: AsyncSession, org_id: UUID, contact_ids: Sequence[UUID]) -> list[UUID]:
    """Returns those of the ids that are not contacts of the organization, in their order."""
    known = await session.scalars(select(col(Contact.id)).where(col(Contact.org_id) == org_id, col(Contact.id).in_(contact_ids)))
    found = set(known)
    return [each for each in contact_ids if each not in found]


async def delete_campaign(session: AsyncSession, campaign: Campaign) -> None:
    """Deletes drafts only, because nothing refers to them yet."""
    await session.delete(campaign)
    await session.flush()


def triggers_of(campaign: Campaign) -> list[TriggerDefinition]:
    return READ_TRIGGERS.validate_python(campaign.triggers)
