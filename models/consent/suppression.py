"""Suppressed addresses: nothing is sent to them, whoever has them."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.channels.channel import Medium
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first, newest_of_each


class SuppressionReason(StrEnum):
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    PROVIDER = "provider"
    OPTED_OUT = "opted_out"
    MANUAL = "manual"


class Suppression(SQLModel, table=True):
    """`address_hash` is its key, so that an erased person stays suppressed when `address` is gone. It covers the messages of
    `channel_id` and of `message_kind`; each that is null covers all. It holds until `lifted_at`."""

    __table_args__ = (
        Index(
            "uq_suppression_org_id_address_hash",
            "org_id",
            "address_hash",
            "channel_id",
            "message_kind",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
        Index("ix_suppression_org_id_medium_reason_id", "org_id", "medium", "reason", "id"),
        Index("ix_suppression_held", "org_id", "medium", "reason", "id", postgresql_where=text("lifted_at IS NULL")),
        Index("ix_suppression_org_id_address_hash", "org_id", "address_hash"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    medium: str
    address: str | None = None
    address_hash: bytes = Field(sa_type=LargeBinary)
    channel_id: UUID | None = Field(default=None, foreign_key="channel.id")
    message_kind: str | None = None
    reason: SuppressionReason = Field(sa_type=String)
    detail: str | None = None
    message_id: UUID | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    lifted_at: datetime | None = Field(default=None, sa_type=Timestamp)
    lift_reason: str | None = None


def address_hash(org_id: UUID, medium: str, address: str) -> bytes:
    """`address` is as contacts have it: a phone number in E.164, an e-mail address in lower case."""
    return hashlib.sha256(b"\0".join((org_id.bytes, medium.encode(), address.encode()))).digest()


ADD = text("""
INSERT INTO suppression
    (id, org_id, medium, address, address_hash, channel_id, message_kind, reason, detail, message_id, created_at)
VALUES (:id, :org_id, :medium, :address, :address_hash, :channel_id, :message_kind, :reason, :detail, :message_id, :created_at)
ON CONFLICT (org_id, address_hash, channel_id, message_kind) WHERE lifted_at IS NULL DO NOTHING
RETURNING id
""")


async def add_suppression(
    session: AsyncSession,
    org_id: UUID,
    medium: str,
    address: str,
    reason: SuppressionReason,
    detail: str | None = None,
    message_id: UUID | None = None,
    channel_id: UUID | None = None,
    message_kind: str | None = None,
    *,
    only_hash: bool = False,
) -> bool:
    """Returns False when the address is suppressed for these messages already, whatever the reason.
    `services/consent/suppress.py` locks who has the address first. With `only_hash`, neither the address nor the detail is
    kept."""
    values = {
        "id": new_id(),
        "org_id": org_id,
        "medium": medium,
        "address": None if only_hash else address,
        "address_hash": address_hash(org_id, medium, address),
        "channel_id": channel_id,
        "message_kind": message_kind,
        "reason": reason.value,
        "detail": None if only_hash else detail,
        "message_id": message_id,
        "created_at": now(),
    }
    return await session.scalar(ADD, values) is not None


LIFT = text("""
UPDATE suppression SET lifted_at = :now, lift_reason = :lift_reason
 WHERE org_id = :org_id AND address_hash = :address_hash AND lifted_at IS NULL AND reason = ANY(CAST(:reasons AS text[]))
RETURNING id
""")


async def lift_suppression(
    session: AsyncSession, org_id: UUID, medium: str, address: str, reasons: Collection[SuppressionReason], lift_reason: str
) -> bool:
    """Ends the suppression of an address if it has one of these reasons. Returns whether there was one."""
    which = {"org_id": org_id, "address_hash": address_hash(org_id, medium, address), "reasons": [each.value for each in reasons]}
    return await session.scalar(LIFT, {**which, "now": now(), "lift_reason": lift_reason}) is not None


@dataclass(frozen=True)
class SuppressionFilter:
    """Each condition that is None lets everything through. `address` is as contacts have it. `lifted` says whether those that
    were lifted are listed too."""

    medium: str | None = None
    address: str | None = None
    reason: SuppressionReason | None = None
    lifted: bool = False


async def list_suppressions(
    session: AsyncSession, org_id: UUID, wanted: SuppressionFilter, page: PageRequest
) -> tuple[list[Suppression], UUID | None]:
    media = [wanted.medium] if wanted.medium is not None else list(Medium)
    reasons = [wanted.reason] if wanted.reason is not None else list(SuppressionReason)
    if wanted.address is None:
        conditions = "AND org_id = :org_id" + ("" if wanted.lifted else " AND lifted_at IS NULL")
        return await newest_of_each(
            session, Suppression, {"medium": media, "reason": reasons}, conditions, {"org_id": org_id}, page
        )
    hashes = [address_hash(org_id, medium, wanted.address) for medium in media]
    statement = select(Suppression).where(
        col(Suppression.org_id) == org_id, col(Suppression.address_hash).in_(hashes), col(Suppression.reason).in_(reasons)
    )
    if not wanted.lifted:
        statement = statement.where(col(Suppression.lifted_at).is_(None))
    return await newest_first(session, statement, col(Suppression.id), page)


async def get_suppression(session: AsyncSession, org_id: UUID, suppression_id: UUID, *, lock: bool = False) -> Suppression:
    row = await session.get(Suppression, suppression_id, with_for_update=lock or None, populate_existing=lock)
    return require_owned(row, org_id, "suppression")


async def find_suppression(
    session: AsyncSession, org_id: UUID, medium: str, address: str, *, lock: bool = False
) -> Suppression | None:
    """Returns the suppression of the address for all messages that holds now, or None. With `lock`, nobody lifts it meanwhile."""
    holding = select(Suppression).where(
        col(Suppression.org_id) == org_id,
        col(Suppression.address_hash) == address_hash(org_id, medium, address),
        col(Suppression.channel_id).is_(None),
        col(Suppression.message_kind).is_(None),
        col(Suppression.lifted_at).is_(None),
    )
    return await session.scalar(holding.with_for_update() if lock else holding)


def lift(suppression: Suppression, reason: str) -> None:
    """Ends it. One that was lifted before keeps its first reason."""
    if suppression.lifted_at is None:
        suppression.lifted_at, suppression.lift_reason = now(), reason
