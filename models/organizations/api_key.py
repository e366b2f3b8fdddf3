"""API keys: who calls, what a key may do, and until when."""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import LargeBinary, String, func, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, now
from models.errors import Conflict, ConflictCode
from models.organizations.owned import owned, require_owned
from models.paging import PageRequest


class Role(StrEnum):
    """What a key may do. Each role may do what those before it may: `api/callers/access.py` says which request needs which."""

    VIEWER = "viewer"
    SENDER = "sender"
    EDITOR = "editor"
    OWNER = "owner"

    def may(self, needed: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


class ApiKey(SQLModel, table=True):
    """`lw_` + id + secret; only the SHA-256 of the secret is kept, so a stolen table opens nothing. `last_used_at` is up to two
    minutes late."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    name: str
    role: Role = Field(sa_type=String)
    secret_hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    expires_at: datetime | None = Field(default=None, sa_type=Timestamp)
    last_used_at: datetime | None = Field(default=None, sa_type=Timestamp)
    revoked_at: datetime | None = Field(default=None, sa_type=Timestamp)


KEY_ID_LENGTH = 12
SECRET_LENGTH = 48
KEY_TEXT = re.compile(rf"lw_([0-9a-f]{{{KEY_ID_LENGTH}}})([0-9a-f]{{{SECRET_LENGTH}}})")

MAX_LIVE_KEYS = 100

LOCK_ORGANIZATION = text("SELECT id FROM organization WHERE id = :org_id FOR NO KEY UPDATE")

# Rows that another process is writing are left to it, so that two processes never wait for each other.
MARK_USED = text("""
WITH used AS (SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:times AS timestamptz[])) AS used (id, at)),
free AS (SELECT id FROM api_key WHERE id = ANY(CAST(:ids AS text[])) FOR NO KEY UPDATE SKIP LOCKED)
UPDATE api_key SET last_used_at = used.at FROM used JOIN free USING (id)
WHERE api_key.id = used.id AND (api_key.last_used_at IS NULL OR api_key.last_used_at < used.at)
""")


async def create_api_key(
    session: AsyncSession, org_id: UUID, name: str, role: Role, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Creates a key and returns it with its text, which exists nowhere else. Raises Conflict when there are 100 live keys."""
    await session.execute(LOCK_ORGANIZATION, {"org_id": org_id})
    if await _count_live_keys(session, org_id) >= MAX_LIVE_KEYS:
        raise Conflict(
            ConflictCode.TOO_MANY_API_KEYS, f"An organization has at most {MAX_LIVE_KEYS} live API keys: revoke one first."
        )
    key_id, secret = secrets.token_hex(KEY_ID_LENGTH // 2), secrets.token_hex(SECRET_LENGTH // 2)
    key = ApiKey(id=key_id, org_id=org_id, name=name, role=role, expires_at=expires_at, secret_hash=hash_secret(secret))
    session.add(key)
    await session.flush()
    return key, f"lw_{key_id}{secret}"


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def list_api_keys(session: AsyncSession, org_id: UUID, page: PageRequest) -> tuple[list[ApiKey], UUID | None]:
    """Returns a page, the oldest first, and the cursor of the next page, which is None on the last one. Cursors are UUIDs, so one
    holds the last key's id as a number."""
    order = tuple_(col(ApiKey.created_at), col(ApiKey.id))
    statement = select(ApiKey).where(col(ApiKey.org_id) == org_id)
    if page.after is not None:
        last = owned(await session.get(ApiKey, f"{page.after.int:0{KEY_ID_LENGTH}x}"), org_id)
        if last is None:
            return [], None
        statement = statement.where(order > (last.created_at, last.id))
    keys = list(await session.scalars(statement.order_by(order).limit(page.limit + 1)))
    if len(keys) <= page.limit:
        return keys, None
    return keys[: page.limit], UUID(int=int(keys[page.limit - 1].id, 16))


async def revoke_api_key(session: AsyncSession, org_id: UUID, key_id: str) -> ApiKey:
    """Revokes the key from now on. Revoking twice is the same as once. Raises Conflict for the last live owner key, because
    nobody could manage the organization by the API any more."""
    await session.execute(LOCK_ORGANIZATION, {"org_id": org_id})
    key = require_owned(await session.get(ApiKey, key_id, populate_existing=True), org_id, "API key")
    others = col(ApiKey.role) == Role.OWNER, col(ApiKey.id) != key_id
    if key.revoked_at is None and key.role == Role.OWNER and not await _count_live_keys(session, org_id, *others):
        raise Conflict(
            ConflictCode.LAST_OWNER_KEY,
            "This is the organization's last live owner key: make another one first, or use ./linkwake key on the server.",
        )
    key.revoked_at = key.revoked_at or now()
    return key


async def mark_used(session: AsyncSession, used: Mapping[str, datetime]) -> None:
    """`used` maps key ids to the time of their last use."""
    await session.execute(MARK_USED, {"ids": list(used), "times": list(used.values())})


async def working_keys(session: AsyncSession, key_ids: Collection[str]) -> set[str]:
    """Returns those of the keys that are neither revoked nor expired."""
    working = select(col(ApiKey.id)).where(col(ApiKey.id).in_(key_ids), *_live())
    return set(await session.scalars(working))


def _live() -> tuple[ColumnElement[bool], ...]:
    return col(ApiKey.revoked_at).is_(None), or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > now())


async def _count_live_keys(session: AsyncSession, org_id: UUID, *conditions: ColumnElement[bool]) -> int:
    """The caller holds the organization's lock, so that two requests that revoke the last two keys cannot both find one left."""
    count = select(func.count()).select_from(ApiKey).where(col(ApiKey.org_id) == org_id, *_live(), *conditions)
    return await session.scalar(count) or 0
