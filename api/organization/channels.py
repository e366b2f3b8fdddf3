"""Channels: the configured senders, and what the simulator's phones and mailboxes received."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from api.handling.request import Idempotent, OrganizationDep, SessionDep, area
from api.http.paging import Page, PageDep
from models.channels.channel import (
    ChannelKind,
    Medium,
    channel_page,
    create_channel,
    get_channel,
)
from models.channels.simulator_inbox import SimulatorInbox, read_inbox
from models.texts.text import Form, Text
from tracking.links.destination import is_destination
from tracking.links.markup import link_addresses
from tracking.links.urls import find_urls

router = area("channels")


ChannelName = Annotated[
    str,
    Form(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        "Write letters A-Z and a-z, digits and . _ -, beginning with a letter or a digit: 63 at most.",
    ),
]


class ChannelCreate(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "second-phone", "kind": "simulator", "medium": "sms"}]}
    )

    name: ChannelName = Field(description="What steps and campaigns call it; it never changes. Letters, digits and . _ -")
    kind: ChannelKind = Field(description="Who sends.")
    medium: Medium = Field(description="What a contact needs: a phone number (sms) or an e-mail address (email).")


class ChannelView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str = Field(examples=["simulator-sms"])
    kind: ChannelKind
    medium: Medium
    created_at: datetime


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


@router.get("/channels", summary="List channels")
async def list_all(session: SessionDep, caller: OrganizationDep, page: PageDep) -> Page[ChannelView]:
    """Channels, newest first."""
    rows, after = await channel_page(session, caller.id, page)
    return Page(items=[ChannelView.model_validate(row) for row in rows], next_cursor=page.next_cursor(after))


@router.post("/channels", status_code=201, dependencies=[Idempotent], summary="Create a channel")
async def create(session: SessionDep, caller: OrganizationDep, body: ChannelCreate) -> ChannelView:
    """A new channel. 409 when the name is taken."""
    return ChannelView.model_validate(await create_channel(session, caller.id, body.name, body.kind, body.medium))


@router.get("/channels/{channel_id}", summary="Get a channel")
async def get_one(session: SessionDep, caller: OrganizationDep, channel_id: UUID) -> ChannelView:
    """One channel."""
    return ChannelView.model_validate(await get_channel(session, caller.id, channel_id))


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
