"""Recipients whose servers have refused a channel by a policy of theirs: several within an hour say that the channel is at fault,
and one alone says something about itself."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.base import Timestamp, now


class PolicyRefusal(SQLModel, table=True):
    """`recipient` is the domain of a mail address, or the hash of a phone number."""

    __tablename__ = "policy_refusal"

    channel_id: UUID = Field(primary_key=True, foreign_key="channel.id")
    recipient: str = Field(primary_key=True)
    refused_at: datetime = Field(default_factory=now, sa_type=Timestamp)


ADD = text("""
INSERT INTO policy_refusal (channel_id, recipient, refused_at) VALUES (:channel_id, :recipient, clock_timestamp())
ON CONFLICT (channel_id, recipient) DO UPDATE SET refused_at = excluded.refused_at
""")
COUNT = text("""
SELECT count(*) FROM policy_refusal
 WHERE channel_id = :channel_id AND refused_at > clock_timestamp() - CAST(:within AS interval)
""")
# What somebody else writes just now stays, so that nobody waits here for another.
REMOVE = text("""
DELETE FROM policy_refusal WHERE (channel_id, recipient) IN (
    SELECT channel_id, recipient FROM policy_refusal
     WHERE channel_id = :channel_id AND (CAST(:every AS boolean) OR refused_at <= clock_timestamp() - CAST(:within AS interval))
       FOR UPDATE SKIP LOCKED)
""")


async def add_policy_refusal(session: AsyncSession, channel_id: UUID, recipient: str, within: timedelta) -> int:
    """Returns how many recipients have refused the channel `within` this time, this one included."""
    await session.execute(ADD, {"channel_id": channel_id, "recipient": recipient})
    await session.execute(REMOVE, {"channel_id": channel_id, "within": within, "every": False})
    return await session.scalar(COUNT, {"channel_id": channel_id, "within": within}) or 0


async def forget_policy_refusals(session: AsyncSession, channel_id: UUID) -> None:
    """Lets the channel begin again once it has paused."""
    await session.execute(REMOVE, {"channel_id": channel_id, "within": timedelta(0), "every": True})
