"""Two people who change the same thing: the second one must not overwrite what the first one has saved and the second has not
seen."""

from datetime import datetime
from typing import Protocol

from models.errors import Conflict, ConflictCode


class Changeable(Protocol):
    updated_at: datetime


def require_unchanged(row: Changeable, seen: datetime | None) -> None:
    """Raises Conflict when the row was changed since its `updated_at` was this; with None it may have been. Call it while the row
    is locked."""
    if seen is not None and row.updated_at != seen:
        raise Conflict(
            ConflictCode.CHANGED_MEANWHILE, "Somebody else changed this since you have seen it: look at it, then send this again."
        )
