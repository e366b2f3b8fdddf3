"""Organizations are walls: whether a row is the caller's is decided here and nowhere else.

Another organization's id and an id that does not exist look exactly the same to whoever asks.
"""

from typing import Protocol, TypeVar
from uuid import UUID

from models.errors import NotFound


class OfOrganization(Protocol):
    """A row that belongs to an organization."""

    org_id: UUID


Row = TypeVar("Row", bound=OfOrganization)


def owned(row: Row | None, org_id: UUID) -> Row | None:
    """Returns the row if it belongs to the organization, else None."""
    return row if row is not None and row.org_id == org_id else None


def require_owned(row: Row | None, org_id: UUID, name: str) -> Row:
    """Returns the row if it belongs to the organization. Raises NotFound otherwise; `name` is what people call it, such as
    `contact`."""
    if owned(row, org_id) is None or row is None:
        raise NotFound(f"No such {name}.")
    return row
