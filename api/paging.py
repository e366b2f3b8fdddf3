"""Cursor paging on the wire: `?limit=50&cursor=…` and `{"items": […], "next_cursor": "…"}`."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from models.errors import Invalid
from models.paging import PageRequest

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    next_cursor: str | None = Field(None, description="Give it as `cursor` for the next page; null: this is the last one.")


def no_cursor() -> Invalid:
    return Invalid.field("cursor", "Not a cursor of this list: use the `next_cursor` of the page before, with the same filters.")


class Listing:
    """What a list shows: its path and its filters. A cursor of another list, or with other filters, is refused."""

    def __init__(self, request: Request) -> None:
        filters = sorted(each for each in request.query_params.multi_items() if each[0] not in ("limit", "cursor"))
        self._seal = hashlib.sha256(repr((request.url.path, filters)).encode(errors="replace")).digest()[:8]

    def cursor(self, place: bytes) -> str:
        return base64.urlsafe_b64encode(self._seal + place).decode().rstrip("=")

    def place(self, cursor: str, size: int) -> bytes:
        """The `size` bytes that the cursor was made of."""
        try:
            found = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise no_cursor() from None
        if found[:8] != self._seal or len(found) != 8 + size:
            raise no_cursor()
        return found[8:]


ListingDep = Annotated[Listing, Depends()]


@dataclass(frozen=True, kw_only=True)
class ListRequest(PageRequest):
    listing: Listing

    def next_cursor(self, after: UUID | None) -> str | None:
        return self.listing.cursor(after.bytes) if after else None


def list_request(
    listing: ListingDep,
    limit: Annotated[int, Query(ge=1, le=500, description="Rows in a page.")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before, with the same filters.")] = None,
) -> ListRequest:
    after = UUID(bytes=listing.place(cursor, 16)) if cursor is not None else None
    return ListRequest(after=after, limit=limit, listing=listing)


PageDep = Annotated[ListRequest, Depends(list_request)]
