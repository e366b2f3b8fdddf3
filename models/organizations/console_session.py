"""Sessions of the console: a browser that proved once that it has an API key, and may from then on do what the key may."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, LargeBinary, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.organizations.api_key import ApiKey, Role
from models.organizations.organization import Organization

IDLE = timedelta(hours=12)
"""A session that was not used for as long is over."""
NOTED_EVERY = timedelta(minutes=1)
"""How late `used_at` may be, so that a page does not write a row."""
FAILURES, FAILURES_WITHIN = 10, timedelta(minutes=10)
"""How many sign-ins may fail from one network within this time, until the next one has to wait."""
LINK_LIVES = timedelta(minutes=30)
"""How long a link that signs in once can be used."""


class ConsoleSession(SQLModel, table=True):
    """Only the SHA-256 of what the browser has is kept. Whatever ends the key ends its sessions."""

    __tablename__ = "console_session"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    key_id: str = Field(foreign_key="api_key.id", index=True)
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    used_at: datetime = Field(default_factory=now, sa_type=Timestamp, index=True)


class SignInLink(SQLModel, table=True):
    """A link that signs in once. The row goes when it is used."""

    __tablename__ = "sign_in_link"

    code_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    key_id: str = Field(foreign_key="api_key.id", index=True)
    expires_at: datetime = Field(sa_type=Timestamp, index=True)


class SignInFailure(SQLModel, table=True):
    """A sign-in that failed, and the network that it came from. It is forgotten after `FAILURES_WITHIN`."""

    __tablename__ = "sign_in_failure"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    network: str
    at: datetime = Field(default_factory=now, sa_type=Timestamp)

    __table_args__ = (Index(None, "network", "at"),)


@dataclass(frozen=True)
class SignedIn:
    """Who looks at a page: a live key, its organization and the session."""

    session: ConsoleSession
    organization: Organization
    key: ApiKey

    @property
    def role(self) -> Role:
        return Role(self.key.role)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def begin_session(session: AsyncSession, key: ApiKey, before: str | None = None) -> tuple[ConsoleSession, str]:
    """Returns the new session and what its browser keeps. `before` is what it kept until now: that session is over, because
    nobody could sign out of it any more."""
    if before:
        await session.execute(delete(ConsoleSession).where(col(ConsoleSession.token_hash) == hash_token(before)))
    token = new_token()
    begun = ConsoleSession(org_id=key.org_id, key_id=key.id, token_hash=hash_token(token))
    session.add(begun)
    await session.flush()
    return begun, token


async def find_session(session: AsyncSession, token: str, *, used: bool = True) -> SignedIn | None:
    """Returns None when the session or its key is over. Runs one statement, and once a minute another one that notes the use.
    With `used=False` it is only looked at, so that a page which keeps itself up to date does not keep its session."""
    found = (
        await session.execute(
            select(ConsoleSession, Organization, ApiKey)
            .join(ApiKey, col(ApiKey.id) == col(ConsoleSession.key_id))
            .join(Organization, col(Organization.id) == col(ConsoleSession.org_id))
            .where(
                col(ConsoleSession.token_hash) == hash_token(token),
                col(ConsoleSession.used_at) > now() - IDLE,
                col(ApiKey.revoked_at).is_(None),
                or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > now()),
            )
        )
    ).first()
    if found is None:
        return None
    signed_in = SignedIn(*found)
    if used and signed_in.session.used_at < now() - NOTED_EVERY:
        noted = update(ConsoleSession).where(col(ConsoleSession.id) == signed_in.session.id)
        await session.execute(noted.values(used_at=now()).execution_options(synchronize_session=False))
    return signed_in


async def sessions_that_last(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Returns those of the sessions that are not over. Whether their keys work is not looked at."""
    lasting = select(col(ConsoleSession.id)).where(col(ConsoleSession.id).in_(ids), col(ConsoleSession.used_at) > now() - IDLE)
    return set(await session.scalars(lasting))


async def list_sessions(session: AsyncSession, org_id: UUID) -> list[ConsoleSession]:
    """Returns those that are not over, the last used first."""
    live = col(ConsoleSession.used_at) > now() - IDLE
    mine = col(ConsoleSession.org_id) == org_id
    return list(await session.scalars(select(ConsoleSession).where(mine, live).order_by(col(ConsoleSession.used_at).desc())))


async def end_session(session: AsyncSession, org_id: UUID, session_id: UUID) -> bool:
    """Returns whether the organization had it."""
    mine = col(ConsoleSession.org_id) == org_id, col(ConsoleSession.id) == session_id
    found = await session.scalar(delete(ConsoleSession).where(*mine).returning(col(ConsoleSession.id)))
    return found is not None


async def may_try(session: AsyncSession, network: str) -> bool:
    """Whether another sign-in from this network is looked at."""
    recent = col(SignInFailure.network) == network, col(SignInFailure.at) > now() - FAILURES_WITHIN
    return (await session.scalar(select(func.count()).select_from(SignInFailure).where(*recent)) or 0) < FAILURES


def note_failure(session: AsyncSession, network: str) -> None:
    session.add(SignInFailure(network=network))


async def forget_old_sessions(session: AsyncSession) -> int:
    """Removes sessions, links and failures that count for nothing any more, and returns how many."""
    old = (
        delete(ConsoleSession).where(col(ConsoleSession.used_at) < now() - IDLE).returning(col(ConsoleSession.id)),
        delete(SignInLink).where(col(SignInLink.expires_at) < now()).returning(col(SignInLink.code_hash)),
        delete(SignInFailure).where(col(SignInFailure.at) < now() - FAILURES_WITHIN).returning(col(SignInFailure.id)),
    )
    return sum([len((await session.execute(each)).all()) for each in old])


OLDEST_OWNER_KEY = text("""
SELECT id FROM api_key
WHERE org_id = :org_id AND role = 'owner' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
ORDER BY created_at, id LIMIT 1
""")


async def make_sign_in_link(session: AsyncSession, org_id: UUID) -> str | None:
    """Returns the code of a link that signs in once as the organization's oldest live owner key. Returns None without one. It is
    for the command line on the server, which may make keys as well."""
    key_id = await session.scalar(OLDEST_OWNER_KEY, {"org_id": org_id})
    if key_id is None:
        return None
    code = new_token()
    session.add(SignInLink(code_hash=hash_token(code), key_id=key_id, expires_at=now() + LINK_LIVES))
    await session.flush()
    return code


async def use_sign_in_link(session: AsyncSession, code: str) -> ApiKey | None:
    """Returns the key, once, when the link and the key still work."""
    used = delete(SignInLink).where(col(SignInLink.code_hash) == hash_token(code), col(SignInLink.expires_at) > now())
    key_id = await session.scalar(used.returning(col(SignInLink.key_id)))
    key = await session.get(ApiKey, key_id) if key_id is not None else None
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now()):
        return None
    return key
