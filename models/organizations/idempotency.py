"""Answers already given to an `Idempotency-Key`, written in the same transaction as the effect."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import LargeBinary, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, now

KEPT = timedelta(days=7)


class IdempotencyKey(SQLModel, table=True):
    """`status` 0 means that the request is still running in another transaction (which nobody else can see)."""

    __tablename__ = "idempotency_key"

    org_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    key: str = Field(primary_key=True)
    request_hash: bytes = Field(sa_type=LargeBinary)
    status: int = 0
    body: bytes = Field(default=b"", sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp, index=True)


async def reserve(session: AsyncSession, org_id: UUID, key: str, request_hash: bytes) -> IdempotencyKey | None:
    """Returns None when the key is new and now ours, and otherwise the answer already given.

    Of two requests with one key, the second waits in the INSERT until the first one commits (then it sees the answer) or rolls
    back (then the key is its own).
    """
    row = {"org_id": org_id, "key": key, "request_hash": request_hash, "status": 0, "body": b"", "created_at": now()}
    inserted = await session.execute(
        insert(IdempotencyKey).values(row).on_conflict_do_nothing().returning(col(IdempotencyKey.key))
    )
    if inserted.first() is not None:
        return None
    return await session.get_one(IdempotencyKey, (org_id, key))


async def remember(session: AsyncSession, org_id: UUID, key: str, status: int, body: bytes) -> None:
    row = await session.get_one(IdempotencyKey, (org_id, key))
    row.status, row.body = status, body


async def forget_expired(session: AsyncSession) -> int:
    """Keys are kept for a week: longer than any caller retries."""
    expired = delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now() - KEPT).returning(col(IdempotencyKey.key))
    return len((await session.execute(expired)).all())
