"""A notification target: a team's chat, mailbox or webhook, which actions and steps call by its name."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.errors import Conflict, ConflictCode
from models.organizations.one_at_a_time import one_at_a_time
from models.organizations.owned import owned, require_owned
from models.paging import PageRequest, newest_first

MOST_TARGETS = 100
"""The notification targets of one organization."""


class NotificationTarget(SQLModel, table=True):
    """`address` is encrypted and is removed with the target. `shown` is the part of it that is no secret: scheme and host.

    No notification goes out before `quiet_until`. The last success and the last failure stay, so that people see both.
    """

    __tablename__ = "notification_target"
    __table_args__ = (
        Index("uq_notification_target_name", "org_id", "name", unique=True, postgresql_where=text("archived_at IS NULL")),
        Index("ix_notification_target_org_id_id", "org_id", "id"),
        Index("ix_notification_target_failing", "org_id", postgresql_where=text("failing_since IS NOT NULL")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    name: str
    service: str
    shown: str
    address: bytes | None = None
    text: str | None = None
    quiet_until: datetime = Field(default_factory=now, sa_type=Timestamp)
    tested_at: datetime | None = Field(default=None, sa_type=Timestamp)
    last_success_at: datetime | None = Field(default=None, sa_type=Timestamp)
    last_failure_at: datetime | None = Field(default=None, sa_type=Timestamp)
    last_error: str | None = None
    failing_since: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    archived_at: datetime | None = Field(default=None, sa_type=Timestamp)


async def add_target(session: AsyncSession, target: NotificationTarget) -> None:
    """Raises Conflict when the name is taken, or when there are too many targets."""
    await refuse_taken_name(session, target.org_id, target.id, target.name)
    live = (col(NotificationTarget.org_id) == target.org_id, col(NotificationTarget.archived_at).is_(None))
    if (await session.scalar(select(func.count()).select_from(NotificationTarget).where(*live)) or 0) >= MOST_TARGETS:
        raise Conflict(
            ConflictCode.TOO_MANY_NOTIFICATION_TARGETS,
            f"An organization can have {MOST_TARGETS} notification targets: delete one first.",
        )
    session.add(target)
    await session.flush()


async def refuse_taken_name(session: AsyncSession, org_id: UUID, target_id: UUID, name: str) -> None:
    """Raises Conflict when another target of the organization has this name."""
    await one_at_a_time(session, org_id, "notification targets")  # for the names as well
    found = await find_target(session, org_id, name)
    if found is not None and found.id != target_id:
        raise Conflict(
            ConflictCode.NOTIFICATION_TARGET_NAME_TAKEN,
            f"There is a notification target named '{name}' already: choose another name.",
        )


async def get_target(session: AsyncSession, org_id: UUID, target_id: UUID, *, lock: bool = False) -> NotificationTarget:
    """Raises NotFound, also for a target that was deleted."""
    row = await session.get(NotificationTarget, target_id, with_for_update=lock or None, populate_existing=lock)
    return require_owned(None if row is None or row.archived_at is not None else row, org_id, "notification target")


async def find_target(session: AsyncSession, org_id: UUID, name_or_id: str | UUID) -> NotificationTarget | None:
    """Returns the organization's target with this id or this name. A deleted target is not found."""
    if isinstance(name_or_id, UUID):
        row = owned(await session.get(NotificationTarget, name_or_id), org_id)
        return row if row is not None and row.archived_at is None else None
    found = await session.scalars(
        select(NotificationTarget).where(
            col(NotificationTarget.org_id) == org_id,
            col(NotificationTarget.name) == name_or_id,
            col(NotificationTarget.archived_at).is_(None),
        )
    )
    return found.first()


async def targets_by_name(session: AsyncSession, org_id: UUID, names: Collection[str]) -> dict[str, NotificationTarget]:
    """Returns those of the organization's targets that have these names and were not deleted."""
    statement = select(NotificationTarget).where(
        col(NotificationTarget.org_id) == org_id,
        col(NotificationTarget.name).in_(set(names)),
        col(NotificationTarget.archived_at).is_(None),
    )
    return {row.name: row for row in await session.scalars(statement)} if names else {}


async def target_page(session: AsyncSession, org_id: UUID, page: PageRequest) -> tuple[list[NotificationTarget], UUID | None]:
    statement = select(NotificationTarget).where(
        col(NotificationTarget.org_id) == org_id, col(NotificationTarget.archived_at).is_(None)
    )
    return await newest_first(session, statement, col(NotificationTarget.id), page)


async def failing_targets(session: AsyncSession, org_id: UUID, limit: int) -> Sequence[NotificationTarget]:
    """Returns targets whose last attempt failed, the longest failing first."""
    statement = select(NotificationTarget).where(
        col(NotificationTarget.org_id) == org_id,
        col(NotificationTarget.failing_since).is_not(None),
        col(NotificationTarget.archived_at).is_(None),
    )
    return list(await session.scalars(statement.order_by(col(NotificationTarget.failing_since)).limit(limit)))


async def encrypted_otherwise(session: AsyncSession, key_id: bytes) -> Sequence[NotificationTarget]:
    """Returns the targets whose address another key has encrypted, locked until the transaction ends."""
    other = func.substr(col(NotificationTarget.address), 1, len(key_id)) != key_id
    statement = select(NotificationTarget).where(other).order_by(col(NotificationTarget.id)).with_for_update()
    return list(await session.scalars(statement))


async def replace_address(session: AsyncSession, target_id: UUID, address: bytes) -> None:
    await session.execute(update(NotificationTarget).where(col(NotificationTarget.id) == target_id).values(address=address))
