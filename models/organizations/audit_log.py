"""What was changed, when, and with which key. It holds ids and words of ours, and no texts of people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, first_id, new_id, now
from models.paging import PageRequest, newest_first

PRUNE_ROWS = 5_000
"""The most rows that are deleted at a time, so that the sweep that does it stays short."""


class AuditLog(SQLModel, table=True):
    """One change, written in its transaction. `action` is the operation, such as `campaigns.launch`. `key_id` is None for the
    command line. `target_id` is None when the action has more than one target, such as contacts in bulk."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_org_id_id", "org_id", "id"),
        Index("ix_audit_log_org_id_action_id", "org_id", "action", "id"),
        Index("ix_audit_log_org_id_key_id_id", "org_id", "key_id", "id"),
        Index("ix_audit_log_org_id_target_id_id", "org_id", "target_id", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    at: datetime = Field(default_factory=now, sa_type=Timestamp)
    action: str
    key_id: str | None = None
    target_kind: str
    target_id: str | None = None
    request_id: UUID | None = None


@dataclass(frozen=True)
class AuditFilter:
    """Each condition that is None lets everything through. `since` is the first moment that is included, `until` the first that
    is not."""

    action: str | None = None
    key_id: str | None = None
    target_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def record(  # noqa: PLR0913, RUF100 - a row's columns
    session: AsyncSession,
    org_id: UUID,
    action: str,
    target_kind: str,
    target_id: str | None,
    key_id: str | None = None,
    request_id: UUID | None = None,
) -> AuditLog:
    """The row is stored with the change or not at all, because it is in its transaction."""
    row = AuditLog(
        org_id=org_id, action=action, key_id=key_id, target_kind=target_kind, target_id=target_id, request_id=request_id
    )
    session.add(row)
    return row


async def audit_page(
    session: AsyncSession, org_id: UUID, wanted: AuditFilter, page: PageRequest
) -> tuple[list[AuditLog], UUID | None]:
    statement = select(AuditLog).where(col(AuditLog.org_id) == org_id)
    for name in ("action", "key_id", "target_id"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(getattr(AuditLog, name) == value)
    # Ids begin with their time, so the index that gives the order also finds the range.
    if wanted.since is not None:
        statement = statement.where(col(AuditLog.id) >= first_id(wanted.since))
    if wanted.until is not None:
        statement = statement.where(col(AuditLog.id) < first_id(wanted.until))
    return await newest_first(session, statement, col(AuditLog.id), page)


async def prune_audit_log(session: AsyncSession, keep: timedelta) -> int:
    """Deletes rows that are older than `keep`, the oldest first and at most `PRUNE_ROWS`. Returns how many it deleted."""
    old = select(col(AuditLog.id)).where(col(AuditLog.id) < first_id(now() - keep)).order_by(col(AuditLog.id)).limit(PRUNE_ROWS)
    done = delete(AuditLog).where(col(AuditLog.id).in_(old)).returning(col(AuditLog.id))
    return len((await session.execute(done)).all())
