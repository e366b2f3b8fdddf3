"""What the simulator's phones and mailboxes received."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from api.handling.request import OrganizationDep, SessionDep, area
from api.http.paging import Page, PageDep
from models.channels.channel import get_channel
from models.channels.simulator_inbox import SimulatorInbox, read_inbox
from models.texts.text import Text
from tracking.links.destination import is_destination
from tracking.links.markup import link_addresses
from tracking.links.urls import find_urls

router = area("channels")


class ReceivedMessage(BaseModel):
    """One delivery, as the contact sees it. `links` are the addresses in its parts: open one to click."""

    id: UUID
    message_id: UUID
    to_address: str = Field(examples=["+12025550123"])
    subject: str | None
    body: str = Field(examples=["Hello Ada: https://go.example.com/0aB1cD2eF3gH4i"])
    html: str | None = Field(description="The HTML part of an e-mail.")
    links: list[str] = Field(examples=[["https://go.example.com/0aB1cD2eF3gH4i"]])
    received_at: datetime


def spoken_address(text: str) -> str:
    """Returns the address as the simulator recorded it: a + in a query string arrives as a space, and e-mail addresses are in
    lower case."""
    return f"+{text[1:]}" if text.startswith(" ") else text.lower()


@router.get("/channels/{channel_id}/inbox", summary="Read a simulator's inbox")
async def inbox(
    session: SessionDep,
    caller: OrganizationDep,
    channel_id: UUID,
    page: PageDep,
    to: Annotated[Text | None, Query(description="Phone number or e-mail address; left out: everybody's.")] = None,
) -> Page[ReceivedMessage]:
    """What the phones and mailboxes of this simulator received, newest first, with the links to click."""
    channel = await get_channel(session, caller.id, channel_id)
    rows, after = await read_inbox(session, channel.id, spoken_address(to) if to else None, page)
    return Page(items=[_received(row) for row in rows], next_cursor=page.next_cursor(after))


def _received(row: SimulatorInbox) -> ReceivedMessage:
    in_text = (row.body[start:end] for start, end in find_urls(row.body))
    links = list(dict.fromkeys([*filter(is_destination, in_text), *link_addresses(row.html or "")]))
    return ReceivedMessage(**row.model_dump(exclude={"channel_id"}), links=links)
