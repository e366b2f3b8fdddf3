"""Suppressed addresses: nothing is sent to them, whoever has them."""

import hashlib
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, text
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now


class SuppressionReason(StrEnum):
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    PROVIDER = "provider"
    OPTED_OUT = "opted_out"
    MANUAL = "manual"


class Suppression(SQLModel, table=True):
    """`address_hash` is its key, so that an erased person stays suppressed when `address` is gone. It holds until
    `lifted_at`."""

    __table_args__ = (
        Index(
            "uq_suppression_org_id_address_hash",
            "org_id",
            "address_hash",
            unique=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
        Index("ix_suppression_org_id_id", "org_id", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    medium: str
    address: str | None = None
    address_hash: bytes = Field(sa_type=LargeBinary)
    reason: SuppressionReason = Field(sa_type=String)
    detail: str | None = None
    message_id: UUID | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    lifted_at: datetime | None = Field(default=None, sa_type=Timestamp)
    lift_reason: str | None = None


def address_hash(org_id: UUID, medium: str, address: str) -> bytes:
    """`address` is as contacts have it: a phone number in E.164, an e-mail address in lower case."""
    return hashlib.sha256(b"\0".join((org_id.bytes, medium.encode(), address.encode()))).digest()
