"""What the simulator's phones and mailboxes received."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.http.paging import Page, PageDep
from models.channels.channel import get_channel
from models.channels.simulator_inbox import SimulatorInbox, read_inbox
from models.texts.text import Text
from services.judging.judge import Judge
from services.judging.judged_texts import links_in

router = area("channels")


class ReceivedMessage(BaseModel):
    """One delivery, as the contact sees it. `links` are the addresses in its parts: open one to click. It is empty for a text
    that takes more than a second to read."""

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
    services: ServicesDep,
    channel_id: UUID,
    page: PageDep,
    to: Annotated[Text | None, Query(description="Phone number or e-mail address; left out: everybody's.")] = None,
) -> Page[ReceivedMessage]:
    """What the phones and mailboxes of this simulator received, newest first, with the links to click."""
    channel = await get_channel(session, caller.id, channel_id)
    rows, after = await read_inbox(session, channel.id, spoken_address(to) if to else None, page)
    received = [await _received(row, services.judge, caller.id) for row in rows]
    return Page(items=received, next_cursor=page.next_cursor(after))


async def _received(row: SimulatorInbox, judge: Judge, org_id: UUID) -> ReceivedMessage:
    return ReceivedMessage(**row.model_dump(exclude={"channel_id"}), links=await links_in(judge, org_id, row.body, row.html))
