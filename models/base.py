"""What every table shares: column types, ids, the clock, and names for constraints."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text
from sqlmodel import SQLModel
from uuid_utils.compat import uuid7

# Names that are the same in every database, so that a migration can drop a constraint by name.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Timestamp(DateTime):
    """`timestamptz`; Python always sees UTC."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(timezone=True)


class TextArray(ARRAY[Any]):
    """`text[]`"""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(Text)


def new_id() -> UUID:
    """A UUIDv7: unique, and sorted by time of creation, so that indexes grow at one end and pages follow the clock."""
    return uuid7()


def now() -> datetime:
    return datetime.now(UTC)
