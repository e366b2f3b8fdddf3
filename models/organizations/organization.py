"""An organization: the wall around everything, with its settings."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import TextArray, Timestamp, new_id, now
from models.channels.channel import Channel, ChannelKind, Medium
from models.organizations.api_key import Role, create_api_key
from models.organizations.audit_log import record


class OptOutScope(StrEnum):
    """How much an opt-out covers: the channel that it came by, all channels of its medium, or everything."""

    CHANNEL = "channel"
    MEDIUM = "medium"
    EVERYTHING = "everything"


class WordsAnswered(StrEnum):
    """Who confirms an opt-out, an opt-in or a call for help by SMS: Linkwake, or the provider."""

    BY_US = "by_us"
    BY_PROVIDER = "by_provider"


class Organization(SQLModel, table=True):
    """`link_tracking` and `link_tracking_metadata` are the top of the cascade that `docs/tracking.md` describes.

    `consent_required` names the media whose marketing goes only to people who have opted in. `opt_out_scope` says how much an
    opt-out covers that does not say it itself (an `OptOutScope`), and `answers_words` who answers to STOP, START and HELP
    (a `WordsAnswered`). With `shared_mailboxes`, an e-mail address is no key of contacts: several may have the same one.
    Clicks older than `click_retention_days` lose their rows and stay in the counters; None keeps all rows.
    """

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str
    link_tracking: bool = True
    link_tracking_metadata: bool = True
    link_domain: str | None = None
    fallback_url: str | None = None
    time_zone: str = "UTC"
    consent_required: list[str] = Field(default_factory=list, sa_type=TextArray, sa_column_kwargs={"server_default": "{}"})
    opt_out_scope: str = Field(default="everything", sa_column_kwargs={"server_default": "everything"})
    answers_words: str = Field(default="by_us", sa_column_kwargs={"server_default": "by_us"})
    shared_mailboxes: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    click_retention_days: int | None = None
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
