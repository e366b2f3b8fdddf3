"""The channels that this process has opened. A channel whose row has changed since is opened again."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from models.channels.channel import Channel as ChannelRow
from models.channels.channel import ChannelKind, find_channel
from services.channels.base import Channel, ChannelError, ChannelType, Fault, Outside
from services.channels.configure import read_config
from services.channels.registry import CHANNEL_TYPES
from services.secrets.secrets import Secrets, Undecipherable

LOOK_AGAIN = 1.0
"""Seconds after which it is looked at whether the row of an open channel has changed."""


class _Open(NamedTuple):
    channel: Channel
    updated_at: datetime
    looked_at: float


class Channels(Protocol):
    """Where a sender gets its channel from."""

    async def get(self, channel_id: UUID) -> Channel: ...


class OpenChannels:
    def __init__(
        self,
        outside: Outside,
        secrets: Secrets,
        types: dict[ChannelKind, ChannelType] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outside = outside
        self._secrets = secrets
        self._types = types or dict(CHANNEL_TYPES)
        self._clock = clock
        self._open: dict[UUID, _Open] = {}

    async def get(self, channel_id: UUID) -> Channel:
        """Raises ChannelError when its secrets cannot be read, which pauses the channel."""
        known = self._open.get(channel_id)
        if known is not None and self._clock() - known.looked_at < LOOK_AGAIN:
            return known.channel
        async with self._outside.database.statement() as session:
            row = await find_channel(session, channel_id)
        known = self._open.get(channel_id)  # another task may have opened it meanwhile
        if known is not None and known.updated_at == row.updated_at:
            self._open[channel_id] = known._replace(looked_at=self._clock())
            return known.channel
        channel = self._build(row)
        self._open[channel_id] = _Open(channel, row.updated_at, self._clock())
        if known is not None:
            await known.channel.close()
        return channel

    def _build(self, row: ChannelRow) -> Channel:
        try:
            configured = read_config(row, self._secrets)
        except Undecipherable as error:
            raise ChannelError(str(error), permanent=False, fault=Fault.CHANNEL) from None
        return self._types[row.kind].open(configured, self._outside)

    async def close(self) -> None:
        for each in self._open.values():
            await each.channel.close()
        self._open.clear()
