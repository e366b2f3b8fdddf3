"""A channel: a configured sender of one kind."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import String, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.errors import Conflict, ConflictCode
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first


class ChannelKind(StrEnum):
    """The kind decides which code sends: there is one file in `activities/channels/` for each."""

    SIMULATOR = "simulator"


class Medium(StrEnum):
    """What a contact needs to be reached: a phone number or an e-mail address."""

    SMS = "sms"
    EMAIL = "email"


class Channel(SQLModel, table=True):
    """Steps and campaigns refer to a channel by its `name`, which never changes."""

    __table_args__ = (UniqueConstraint("org_id", "name"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    name: str
    kind: ChannelKind = Field(sa_type=String)
    medium: Medium = Field(sa_type=String)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class SimulatorInbox(SQLModel, table=True):
    """What the simulator's phones and mailboxes received. There is one row for each delivery, so a double send would show as two
    rows."""

    __tablename__ = "simulator_inbox"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    channel_id: UUID = Field(foreign_key="channel.id", index=True)
    message_id: UUID = Field(index=True)
    to_address: str = Field(index=True)
    subject: str | None = None
    body: str
    html: str | None = None
    received_at: datetime = Field(default_factory=now, sa_type=Timestamp)


async def list_channels(session: AsyncSession, org_id: UUID) -> list[Channel]:
    return list(await session.scalars(select(Channel).where(col(Channel.org_id) == org_id).order_by(col(Channel.name))))


async def get_channel(session: AsyncSession, org_id: UUID, channel_id: UUID) -> Channel:
    return require_owned(await session.get(Channel, channel_id), org_id, "channel")


async def channels_by_name(session: AsyncSession, org_id: UUID) -> dict[str, Channel]:
    return {channel.name: channel for channel in await list_channels(session, org_id)}


RECEIVE = text("""
INSERT INTO simulator_inbox (id, channel_id, message_id, to_address, subject, body, html, received_at)
VALUES (:id, :channel_id, :message_id, :to_address, :subject, :body, :html, :received_at)
""")


async def simulator_receive(session: AsyncSession, message: Mapping[str, object]) -> UUID:
    """Returns the id of the new row. `message` has the columns of the inbox that are not given here."""
    received_id = new_id()
    await session.execute(RECEIVE, {**message, "id": received_id, "received_at": now()})
    return received_id


async def simulator_received(session: AsyncSession, message_id: UUID) -> SimulatorInbox | None:
    """The simulator's answer to "did you get this message?"."""
    rows = await session.scalars(select(SimulatorInbox).where(col(SimulatorInbox.message_id) == message_id).limit(1))
    return rows.first()


async def channel_page(session: AsyncSession, org_id: UUID, page: PageRequest) -> tuple[list[Channel], UUID | None]:
    return await newest_first(session, select(Channel).where(col(Channel.org_id) == org_id), col(Channel.id), page)


async def create_channel(session: AsyncSession, org_id: UUID, name: str, kind: ChannelKind, medium: Medium) -> Channel:
    """Raises Conflict when the name is taken."""
    values = {"id": new_id(), "org_id": org_id, "name": name, "kind": kind, "medium": medium, "created_at": now()}
    made = await session.scalars(insert(Channel).values(values).on_conflict_do_nothing().returning(Channel))
    channel = made.first()
    if channel is None:
        raise Conflict(ConflictCode.CHANNEL_NAME_TAKEN, f"There is a channel named '{name}' already: choose another name.")
    return channel


async def read_inbox(
    session: AsyncSession, channel_id: UUID, to_address: str | None, page: PageRequest
) -> tuple[list[SimulatorInbox], UUID | None]:
    """Returns what this simulator delivered, newest first, to one address or to all."""
    statement = select(SimulatorInbox).where(col(SimulatorInbox.channel_id) == channel_id)
    if to_address is not None:
        statement = statement.where(col(SimulatorInbox.to_address) == to_address)
    return await newest_first(session, statement, col(SimulatorInbox.id), page)
