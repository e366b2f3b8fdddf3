"""How a callback of a provider is taken. It has no API key: whoever has taken it checks the signature with the channel's secret,
and only then does anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Request

from api.callbacks.callbacks import WhyRefused
from api.handling.services import Services
from api.http.body import read_unproved_body
from api.http.body_memory import Share
from api.http.client import network_of
from models.channels.channel import Channel, ChannelKind
from models.channels.reported import reported_channel
from models.errors import CallbackRefused, Invalid
from services.channels.callback_address import callback_address
from services.channels.configure import read_config

MOST_FIELDS = 200


@dataclass(frozen=True)
class Callback:
    """One request of a provider to one of our channels, with the channel's settings and secrets. Nothing of it is proved yet."""

    channel: Channel
    config: Any
    body: bytes
    query: str
    _services: Services
    _unproved: Share

    def address(self, rest: str) -> str:
        """Returns the public address that the provider has called, with its query: what many providers sign."""
        address = callback_address(self._services.settings, self.channel.id, rest)
        return f"{address}?{self.query}" if self.query else address

    def form(self) -> list[tuple[str, str]]:
        """Returns the fields of an urlencoded form. Raises Invalid."""
        try:
            return parse_qsl(self.body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise Invalid.field("body", f"Send a form with at most {MOST_FIELDS} fields, in UTF-8.") from None

    def refusal(self) -> CallbackRefused:
        return self._services.callbacks.refusal(ChannelKind(self.channel.kind), self.channel.id, WhyRefused.SIGNATURE)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for the organization's turn, without a connection. It is for callbacks whose signature is right: only from now on
        they use anything of the organization's. Raises TooManyRequests."""
        callbacks, org_id = self._services.callbacks, self.channel.org_id
        with callbacks.memory.share(org_id) as share:
            share.take(len(self.body))
            self._unproved.give_back()
            async with callbacks.turns.turn(org_id):
                yield


@asynccontextmanager
async def taken(
    request: Request, services: Services, channel_id: UUID, kind: ChannelKind, largest: int
) -> AsyncIterator[Callback]:
    """Finds the channel and reads the body, which has at most `largest` bytes. Raises CallbackRefused, TooLarge, RequestTimeout
    and TooManyRequests."""
    async with services.database.statement() as session:
        channel = await reported_channel(session, channel_id, kind)
    if channel is None:
        raise services.callbacks.refusal(kind, channel_id, WhyRefused.UNKNOWN_CHANNEL)
    client = network_of(request, services.settings)
    with services.callbacks.unproved_memory.share(client) as share:
        await read_unproved_body(request, largest, share)
        config = read_config(channel, services.secrets).config
        yield Callback(channel, config, await request.body(), request.url.query, services, share)
