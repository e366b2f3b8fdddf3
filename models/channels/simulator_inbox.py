"""What the simulator's phones and mailboxes received."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.paging import PageRequest, newest_first


class SimulatorInbox(SQLModel, table=True):
    """What the simulator's phones and mailboxes received. There is one row for each delivery, so a double send would show as two
    rows."""

    __tablename__ = "simulator_inbox"
    __table_args__ = (
        Index("ix_simulator_inbox_channel_id_id", "channel_id", "id"),
        Index("ix_simulator_inbox_channel_id_to_address_id", "channel_id", "to_address", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    channel_id: UUID = Field(foreign_key="channel.id")
    message_id: UUID = Field(index=True)
    to_address: str = Field(index=True)
    subject: str | None = None
    body: str
    html: str | None = None
    received_at: datetime = Field(default_factory=now, sa_type=Timestamp)


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


async def read_inbox(
    session: AsyncSession, channel_id: UUID, to_address: str | None, page: PageRequest
) -> tuple[list[SimulatorInbox], UUID | None]:
    """Returns what this simulator delivered, newest first, to one address or to all."""
    statement = select(SimulatorInbox).where(col(SimulatorInbox.channel_id) == channel_id)
    if to_address is not None:
        statement = statement.where(col(SimulatorInbox.to_address) == to_address)
    size = func.octet_length(SimulatorInbox.body) + func.coalesce(func.octet_length(SimulatorInbox.html), 0)
    return await newest_first(session, statement, col(SimulatorInbox.id), page, size)
