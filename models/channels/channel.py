"""A channel: a configured sender of one kind."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.errors import Conflict, ConflictCode
from models.organizations.one_at_a_time import one_at_a_time
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first

MAX_CHANNELS = 100
"""Of one organization, without those that are archived. Each worker keeps the open ones in memory, some with connections."""


class ChannelKind(StrEnum):
    """The kind decides which code sends: there is one file in `services/channels/` for each."""

    SIMULATOR = "simulator"
    SMTP = "smtp"
    TWILIO = "twilio"
    HTTP = "http"


class Medium(StrEnum):
    """What a contact needs to be reached: a phone number or an e-mail address."""

    SMS = "sms"
    EMAIL = "email"


class Channel(SQLModel, table=True):
    """Steps and campaigns refer to a channel by its `name`, which never changes.

    `config` is the kind's own model as JSON, without its secrets, which stand encrypted in `secrets`
    (`services/channels/configure.py`). While `paused_at` is set, no message is claimed, and `pause_reason` says why; `resumed_at`
    is when the last pause ended. An archived channel sends nothing, and cannot be named by anything new. `test_error` is what the
    last test has found, and null when everything went well. `updated_at` is the last change of the settings.
    """

    __table_args__ = (
        UniqueConstraint("org_id", "name"),
        Index("ix_channel_paused_at", "paused_at", postgresql_where=text("paused_at IS NOT NULL")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    name: str
    kind: ChannelKind = Field(sa_type=String)
    medium: Medium = Field(sa_type=String)
    config: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'")})
    secrets: bytes | None = Field(default=None, sa_type=LargeBinary)
    paused_at: datetime | None = Field(default=None, sa_type=Timestamp)
    pause_reason: str | None = None
    resumed_at: datetime | None = Field(default=None, sa_type=Timestamp)
    tested_at: datetime | None = Field(default=None, sa_type=Timestamp)
    test_error: str | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp, sa_column_kwargs={"server_default": text("now()")})


async def list_channels(session: AsyncSession, org_id: UUID) -> list[Channel]:
    return list(await session.scalars(select(Channel).where(col(Channel.org_id) == org_id).order_by(col(Channel.name))))


async def get_channel(session: AsyncSession, org_id: UUID, channel_id: UUID, *, lock: bool = False) -> Channel:
    """Returns the channel as it is in the database now. With `lock`, nobody else changes it in this transaction."""
    held = {"key_share": True} if lock else None
    return require_owned(await session.get(Channel, channel_id, populate_existing=True, with_for_update=held), org_id, "channel")


async def find_channel(session: AsyncSession, channel_id: UUID) -> Channel:
    """Returns the channel of a message, whose organization is known to be the channel's."""
    return await session.get_one(Channel, channel_id, populate_existing=True)


async def channels_by_name(session: AsyncSession, org_id: UUID) -> dict[str, Channel]:
    return {channel.name: channel for channel in await list_channels(session, org_id)}


async def channel_page(session: AsyncSession, org_id: UUID, page: PageRequest) -> tuple[list[Channel], UUID | None]:
    statement = select(Channel).where(col(Channel.org_id) == org_id)
    return await newest_first(session, statement, col(Channel.id), page, func.octet_length(cast(col(Channel.config), Text)))


async def add_channel(session: AsyncSession, channel: Channel) -> None:
    """Raises Conflict when the organization has too many, or when the name is taken, also by an archived channel, whose messages
    are found under it."""
    await one_at_a_time(session, channel.org_id, "channels")
    unarchived = select(func.count()).where(col(Channel.org_id) == channel.org_id, col(Channel.archived_at).is_(None))
    if (await session.scalar(unarchived) or 0) >= MAX_CHANNELS:
        detail = f"An organization has at most {MAX_CHANNELS} channels that are not archived: archive one first."
        raise Conflict(ConflictCode.TOO_MANY_CHANNELS, detail)
    values = {name: getattr(channel, name) for name in Channel.model_fields}
    made = insert(Channel).values(values).on_conflict_do_nothing(index_elements=["org_id", "name"])
    if (await session.scalars(made.returning(col(Channel.id)))).first() is None:
        name = channel.name
        raise Conflict(ConflictCode.CHANNEL_NAME_TAKEN, f"There is a channel named '{name}' already: choose another name.")


async def channels_encrypted_otherwise(session: AsyncSession, key_id: bytes) -> list[Channel]:
    """Returns the channels whose secrets another key has encrypted, locked until the transaction ends."""
    other = func.substr(col(Channel.secrets), 1, len(key_id)) != key_id
    return list(await session.scalars(select(Channel).where(other).order_by(col(Channel.id)).with_for_update(key_share=True)))


async def replace_secrets(session: AsyncSession, channel_id: UUID, secrets: bytes) -> None:
    """The settings stay the same, so the channel need not be opened again."""
    await session.execute(update(Channel).where(col(Channel.id) == channel_id).values(secrets=secrets))
