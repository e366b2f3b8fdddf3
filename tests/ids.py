"""Ids of rows that are as old as a test wants them."""

from datetime import datetime
from uuid import UUID

from models.base import EPOCH, MILLISECOND, RANDOM_BITS, new_id


def id_at(at: datetime) -> UUID:
    """Returns an id as `new_id` would have made it at that moment."""
    return UUID(int=(at - EPOCH) // MILLISECOND << RANDOM_BITS | new_id().int & ((1 << RANDOM_BITS) - 1))
