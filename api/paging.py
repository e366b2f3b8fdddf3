"""Cursor paging on the wire: `?limit=50&cursor=…` and `{"items": […], "next_cursor": "…"}`."""

import base64
import binascii
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from models.errors import Invalid
from models.paging import PageRequest

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    next_cursor: str | None = Field(None, description="Give it as `cursor` for the next page; null: this is the last one.")


def encode_cursor(after: UUID | None) -> str | None:
    return base64.urlsafe_b64encode(after.bytes).decode().rstrip("=") if after else None


def decode_cursor(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise Invalid.field("cursor", "Not a cursor of this API: use the `next_cursor` of the page before.") from None


def page_request(
    limit: Annotated[int, Query(ge=1, le=500, description="Rows in a page.")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> PageRequest:
    return PageRequest(decode_cursor(cursor), limit)


PageDep = Annotated[PageRequest, Depends(page_request)]
