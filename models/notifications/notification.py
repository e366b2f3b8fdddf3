"""What targets are told: items, which wait until they are sent, and notifications, each of which tells many items together."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Index, String, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.paging import PageRequest, newest_first


class NotificationState(StrEnum):
    """`open`: it will be sent, or tried again, at `due_at`. `sent`. `failed`: it was given up after a day, or its target was
    deleted."""

    OPEN = "open"
    SENT = "sent"
    FAILED = "failed"


class Notification(SQLModel, table=True):
    """One message to a team about `count` items. While it is open, `due_at` is when it is tried next, and the end of the lease of
    whoever is sending it. `items_kept` says that its items are still to be deleted, and for one that failed also that the actions
    which they come from are still to be marked as failed."""

    __table_args__ = (
        Index("uq_notification_open", "target_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_notification_due", "due_at", postgresql_where=text("state = 'open'")),
        Index("ix_notification_target_id_id", "target_id", "id"),
        Index("ix_notification_items_kept", "finished_at", postgresql_where=text("items_kept AND state = 'sent'")),
        Index("ix_notification_given_up", "finished_at", postgresql_where=text("items_kept AND state = 'failed'")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    target_id: UUID = Field(foreign_key="notification_target.id")
    state: NotificationState = Field(default=NotificationState.OPEN, sa_type=String)
    count: int = 0
    attempts: int = 0
    last_error: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    due_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)
    items_kept: bool = True


class NotificationItem(SQLModel, table=True):
    """One thing that a target is told. Its cause is an action of a firing, or a passage of an enrollment through a step, and each
    cause has one item at most. It waits while `notification_id` is null, and is deleted a day after it has been told. When its
    notification is given up, an action's item is deleted at once, so that the action can be retried, and a step's item stays.

    The contact's name is not stored here: it is read when the notification is written. `place` is empty when metadata is off.
    """

    __tablename__ = "notification_item"
    __table_args__ = (
        Index(
            "uq_notification_item_firing",
            "firing_id",
            "action_position",
            unique=True,
            postgresql_where=text("firing_id IS NOT NULL"),
        ),
        Index(
            "uq_notification_item_step_run",
            "enrollment_id",
            "step_run",
            unique=True,
            postgresql_where=text("enrollment_id IS NOT NULL"),
        ),
        Index("ix_notification_item_waiting", "target_id", "id", postgresql_where=text("notification_id IS NULL")),
        Index(
            "ix_notification_item_told",
            "notification_id",
            "id",
            postgresql_where=text("notification_id IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    target_id: UUID = Field(foreign_key="notification_target.id")
    notification_id: UUID | None = None
    firing_id: UUID | None = None
    action_position: int | None = None
    enrollment_id: UUID | None = None
    step_run: int | None = None
    contact_id: UUID
    link_name: str | None = None
    happened: str
    happened_at: datetime = Field(sa_type=Timestamp)
    source: str | None = None
    place: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    text: str | None = None


class ItemState(NamedTuple):
    """What has become of an item: the state of its notification. An item that still waits for one is `open` without an id."""

    notification_id: UUID | None
    state: NotificationState
    error: str | None
    due_at: datetime | None


async def notification_page(session: AsyncSession, target_id: UUID, page: PageRequest) -> tuple[list[Notification], UUID | None]:
    """Returns what this target was or will be told, newest first."""
    statement = select(Notification).where(col(Notification.target_id) == target_id)
    return await newest_first(session, statement, col(Notification.id), page)


async def open_notification(session: AsyncSession, target_id: UUID) -> Notification | None:
    """Returns the notification of this target that is not sent yet."""
    found = await session.scalars(
        select(Notification).where(col(Notification.target_id) == target_id, col(Notification.state) == NotificationState.OPEN)
    )
    return found.first()


MOST_COUNTED = 100_000

# Items that no notification has taken yet. The count stops where it would become slow.
WAITING = f"""
SELECT count(*) FROM (
    SELECT FROM notification_item WHERE target_id = :target_id AND notification_id IS NULL LIMIT {MOST_COUNTED}
) waiting
"""  # noqa: S608 - the number is ours


async def waiting_items(session: AsyncSession, target_id: UUID) -> int:
    """Returns how many items wait for the next notification, 100,000 at most."""
    return await session.scalar(text(WAITING), {"target_id": target_id}) or 0


RETRY_NOW = "UPDATE notification SET due_at = now() WHERE target_id = :target_id AND state = 'open' AND attempts > 0"
# A send that is under way ends within its lease and finds the state changed.
GIVE_UP = """
UPDATE notification SET state = 'failed', last_error = :reason, finished_at = now()
WHERE target_id = :target_id AND state = 'open' RETURNING id
"""
# What waits becomes a notification that has failed, so that the actions which it comes from are marked like all others.
GIVE_UP_WAITING = """
WITH waiting AS (
    UPDATE notification_item SET notification_id = :id WHERE target_id = :target_id AND notification_id IS NULL RETURNING id
)
INSERT INTO notification AS known
    (id, org_id, target_id, state, count, attempts, last_error, created_at, due_at, finished_at, items_kept)
SELECT :id, org_id, target.id, 'failed', counted.items, 0, :reason, now(), now(), now(), true
FROM notification_target target, (SELECT count(*) AS items FROM waiting) counted
WHERE target.id = :target_id AND counted.items > 0
ON CONFLICT (id) DO UPDATE SET count = known.count + excluded.count
"""


async def retry_now(session: AsyncSession, target_id: UUID) -> None:
    """Lets the open notification of this target be tried again at once, because its address was changed."""
    await session.execute(text(RETRY_NOW), {"target_id": target_id})


async def close_notifications(session: AsyncSession, target_id: UUID, reason: str) -> None:
    """Gives up what this target has not been told. The next sweep marks the actions of triggers as failed."""
    found = await session.scalar(text(GIVE_UP), {"target_id": target_id, "reason": reason})
    await session.execute(text(GIVE_UP_WAITING), {"id": found or new_id(), "target_id": target_id, "reason": reason})
