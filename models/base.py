"""What every table shares: column types, ids, the clock, and names for constraints."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text
from sqlmodel import SQLModel
from uuid_utils.compat import uuid7

# Names are the same in every database, so that a migration can drop a constraint by name.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
RANDOM_BITS = 80
"""The random bits of a UUIDv7; above them are the milliseconds since 1970."""


class Timestamp(DateTime):
    """`timestamptz`, which Python always sees in UTC."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(timezone=True)


class TextArray(ARRAY[Any]):
    """`text[]`"""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(Text)


def new_id() -> UUID:
    """Returns a UUIDv7, which is unique and sorted by time of creation, so that indexes grow at one end and pages follow the
    clock."""
    return uuid7()


def first_id(at: datetime) -> UUID:
    """Returns the lowest id that can be made at that moment. Rows from then on have this id or a higher one. A moment before 1970
    counts as 1970."""
    return UUID(int=max(-((EPOCH - at) // MILLISECOND), 0) << RANDOM_BITS)  # rounded up


def made_at(id: UUID) -> datetime:
    """Returns when an id was made, in whole milliseconds."""
    return EPOCH + (id.int >> RANDOM_BITS) * MILLISECOND


def made_at_sql(id: str) -> str:
    """SQL of `made_at` for the column `id`. PostgreSQL has a function for it from version 18 on."""
    return (
        f"('epoch'::timestamptz + ('x' || translate(left({id}::text, 13), '-', ''))::bit(48)::bigint * interval '1 millisecond')"
    )


def now() -> datetime:
    return datetime.now(UTC)
