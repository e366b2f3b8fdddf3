"""An organization: the wall around everything, with its settings and its API keys."""

import hashlib
import re
import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.channel import Channel, ChannelKind, Medium
from models.errors import Conflict, ConflictCode, NotFound
from models.paging import PageRequest


class Organization(SQLModel, table=True):
    """`link_tracking` and `link_tracking_metadata` are the top of the cascade that `docs/tracking.md` describes."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str
    link_tracking: bool = True
    link_tracking_metadata: bool = True
    link_domain: str | None = None
    fallback_url: str | None = None
    time_zone: str = "UTC"
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class ApiKey(SQLModel, table=True):
    """`lw_` + id + secret; only the SHA-256 of the secret is kept, so a stolen table opens nothing."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    name: str
    secret_hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    revoked_at: datetime | None = Field(default=None, sa_type=Timestamp)


KEY_ID_LENGTH = 12
SECRET_LENGTH = 48
KEY_TEXT = re.compile(rf"lw_([0-9a-f]{{{KEY_ID_LENGTH}}})([0-9a-f]{{{SECRET_LENGTH}}})")

MAX_LIVE_KEYS = 100


async def create_organization(session: AsyncSession, name: str) -> tuple[Organization, str]:
    """A new organization with its two simulator channels and a first API key, whose text is returned and never shown again."""
    organization = Organization(name=name)
    session.add(organization)
    await session.flush()
    for medium in Medium:
        session.add(Channel(org_id=organization.id, name=f"simulator-{medium.value}", kind=ChannelKind.SIMULATOR, medium=medium))
    _, text = await create_api_key(session, organization.id, "first key")
    return organization, text


async def create_api_key(session: AsyncSession, org_id: UUID, name: str) -> tuple[ApiKey, str]:
    """A new key; the second value is the only time its text exists. Conflict when there are 100 live ones."""
    if await _lock_and_count_live_keys(session, org_id) >= MAX_LIVE_KEYS:
        raise Conflict(
            ConflictCode.TOO_MANY_API_KEYS, f"An organization has at most {MAX_LIVE_KEYS} live API keys: revoke one first."
        )
    key_id, secret = secrets.token_hex(KEY_ID_LENGTH // 2), secrets.token_hex(SECRET_LENGTH // 2)
    key = ApiKey(id=key_id, org_id=org_id, name=name, secret_hash=hashlib.sha256(secret.encode()).digest())
    session.add(key)
    await session.flush()
    return key, f"lw_{key_id}{secret}"


async def find_by_api_key(session: AsyncSession, text: str) -> Organization | None:
    """The organization of a key that is known, right and not revoked."""
    parts = KEY_TEXT.fullmatch(text)
    if parts is None:
        return None
    key_id, secret = parts.groups()
    row = (
        await session.execute(
            select(ApiKey, Organization)
            .join(Organization, col(Organization.id) == col(ApiKey.org_id))
            .where(col(ApiKey.id) == key_id, col(ApiKey.revoked_at).is_(None))
        )
    ).first()
    if row is None or not secrets.compare_digest(row[0].secret_hash, hashlib.sha256(secret.encode()).digest()):
        return None
    organization: Organization = row[1]
    return organization


async def list_api_keys(session: AsyncSession, org_id: UUID, page: PageRequest) -> tuple[list[ApiKey], UUID | None]:
    """A page, the oldest first, and where to go on; None: there are no more. Cursors are UUIDs, so that one holds the last key's
    id as a number."""
    order = tuple_(col(ApiKey.created_at), col(ApiKey.id))
    statement = select(ApiKey).where(col(ApiKey.org_id) == org_id)
    if page.after is not None:
        last = await session.get(ApiKey, f"{page.after.int:0{KEY_ID_LENGTH}x}")
        if last is None or last.org_id != org_id:
            return [], None
        statement = statement.where(order > (last.created_at, last.id))
    keys = list(await session.scalars(statement.order_by(order).limit(page.limit + 1)))
    if len(keys) <= page.limit:
        return keys, None
    return keys[: page.limit], UUID(int=int(keys[page.limit - 1].id, 16))


async def revoke_api_key(session: AsyncSession, org_id: UUID, key_id: str) -> ApiKey:
    """From now on refused. Revoking twice is the same as once. Conflict for the last live key: nobody could get in again."""
    live = await _lock_and_count_live_keys(session, org_id)
    key = await session.get(ApiKey, key_id, populate_existing=True)
    if key is None or key.org_id != org_id:
        raise NotFound("No such API key.")
    if key.revoked_at is None and live == 1:
        raise Conflict(ConflictCode.LAST_API_KEY, "This is the organization's last live API key: make another one first.")
    key.revoked_at = key.revoked_at or now()
    return key


async def _lock_and_count_live_keys(session: AsyncSession, org_id: UUID) -> int:
    """One request at a time: two that revoke the last two keys must not both find one left."""
    await session.execute(select(col(Organization.id)).where(col(Organization.id) == org_id).with_for_update(key_share=True))
    live = select(func.count()).select_from(ApiKey).where(col(ApiKey.org_id) == org_id, col(ApiKey.revoked_at).is_(None))
    return await session.scalar(live) or 0


async def list_organizations(session: AsyncSession) -> list[Organization]:
    """All there are, the oldest first: for the command line alone, because nobody who calls the API may see others."""
    return list(await session.scalars(select(Organization).order_by(col(Organization.created_at), col(Organization.id))))


async def any_organization(session: AsyncSession) -> bool:
    """Until this transaction ends nobody else who asks gets an answer: the first one can be created on it."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("first organization", 0))))
    return await session.scalar(select(col(Organization.id)).limit(1)) is not None
