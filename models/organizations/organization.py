"""An organization: the wall around everything, with its settings."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.organizations.api_key import Role, create_api_key
from models.organizations.audit_log import record
from models.organizations.channel import Channel, ChannelKind, Medium


class Organization(SQLModel, table=True):
    """`link_tracking` and `link_tracking_metadata` are the top of the cascade that `docs/tracking.md` describes."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str
    link_tracking: bool = True
    link_tracking_metadata: bool = True
    link_domain: str | None = None
    fallback_url: str | None = None
    time_zone: str = "UTC"
    limits: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, description="Instead of the settings': see `Limits`.")
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


async def create_organization(session: AsyncSession, name: str) -> tuple[Organization, str]:
    """Creates an organization with its two simulator channels and a first API key, whose text is returned and never shown
    again."""
    organization = Organization(name=name)
    session.add(organization)
    await session.flush()
    for medium in Medium:
        session.add(Channel(org_id=organization.id, name=f"simulator-{medium.value}", kind=ChannelKind.SIMULATOR, medium=medium))
    _, text = await create_api_key(session, organization.id, "first key", Role.OWNER)
    record(session, organization.id, "organizations.create", "organization", str(organization.id))
    return organization, text


async def list_organizations(session: AsyncSession) -> list[Organization]:
    """Returns all organizations, the oldest first. It is for the command line alone, because nobody who calls the API may see
    others."""
    return list(await session.scalars(select(Organization).order_by(col(Organization.created_at), col(Organization.id))))


async def any_organization(session: AsyncSession) -> bool:
    """Whether there is any organization. Until this transaction ends nobody else who asks gets an answer, so the first one can be
    created on it."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("first organization", 0))))
    return await session.scalar(select(col(Organization.id)).limit(1)) is not None
