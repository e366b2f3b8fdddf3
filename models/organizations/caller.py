"""Finds out who calls: the organization and the key to which a text belongs, or why it belongs to nobody."""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import now
from models.organizations.api_key import KEY_TEXT, ApiKey, hash_secret
from models.organizations.organization import Organization


class Refusal(StrEnum):
    """Why a key opens nothing. `unknown` is also the answer to a wrong secret, so that ids cannot be tried."""

    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Caller:
    organization: Organization
    key: ApiKey


async def find_by_key(session: AsyncSession, text: str) -> Caller | Refusal:
    """Runs one statement. Only whoever has the secret is told that the key was revoked or has expired."""
    parts = KEY_TEXT.fullmatch(text)
    if parts is None:
        return Refusal.MALFORMED
    key_id, secret = parts.groups()
    found = await _row(session, key_id)
    if found is None or not secrets.compare_digest(found.key.secret_hash, hash_secret(secret)):
        return Refusal.UNKNOWN
    return _living(found)


async def find_by_id(session: AsyncSession, key_id: str) -> Caller | Refusal:
    """For whoever has proved the key before, as a session of the console has. Runs one statement."""
    found = await _row(session, key_id)
    return Refusal.UNKNOWN if found is None else _living(found)


async def _row(session: AsyncSession, key_id: str) -> Caller | None:
    owner = col(Organization.id) == col(ApiKey.org_id)
    row = (await session.execute(select(Organization, ApiKey).join(ApiKey, owner).where(col(ApiKey.id) == key_id))).first()
    return None if row is None else Caller(*row)


def _living(found: Caller) -> Caller | Refusal:
    if found.key.revoked_at is not None:
        return Refusal.REVOKED
    if found.key.expires_at is not None and found.key.expires_at <= now():
        return Refusal.EXPIRED
    return found
