"""Keeps connections to the mail server open, so that a mail does not wait for a new one to be made."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiosmtplib

from services.channels.base import ChannelError
from services.mail.transaction import Refused

IDLE_SECONDS = 30.0
"""After this long without a mail, a connection is closed instead of used again: servers close theirs after some minutes."""
MOST_MAILS = 100
"""Mails for which a connection is used. Many servers allow no more."""
QUIT_SECONDS = 2.0


@dataclass(frozen=True)
class _Kept:
    client: aiosmtplib.SMTP
    mails: int
    idle_since: float

    def is_fresh(self, now: float) -> bool:
        return self.client.is_connected and self.mails < MOST_MAILS and now - self.idle_since < IDLE_SECONDS


class Pool:
    """At most `size` connections, each used by one mail at a time. Whoever waits for one is served in order."""

    def __init__(
        self, connect: Callable[[], Awaitable[aiosmtplib.SMTP]], size: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connect = connect
        self._free = asyncio.Semaphore(size)
        self._clock = clock
        self._idle: list[_Kept] = []
        self._closed = False

    @asynccontextmanager
    async def take(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """Yields a connection on which nothing has begun. It is kept afterwards, unless something else than a refusal
        happened."""
        async with self._free:
            kept = await self._reset() or _Kept(await self._connect(), 0, 0.0)
            try:
                yield kept.client
            except (Refused, ChannelError):
                self._give_back(kept)
                raise
            except BaseException:
                kept.client.close()
                raise
            self._give_back(kept)

    async def _reset(self) -> _Kept | None:
        """Returns a kept connection that still answers. The one that was used last comes first."""
        while self._idle:
            kept = self._idle.pop()
            if kept.is_fresh(self._clock()):
                try:
                    await kept.client.rset()
                except (aiosmtplib.SMTPException, OSError):
                    kept.client.close()
                else:
                    return kept
            else:
                await _quit(kept.client)
        return None

    def _give_back(self, kept: _Kept) -> None:
        """Says goodbye to nobody here, because the mail is done and its result must not wait."""
        if self._closed:
            kept.client.close()
        elif kept.client.is_connected:
            self._idle.append(_Kept(kept.client, kept.mails + 1, self._clock()))

    async def close(self) -> None:
        """Closes what is idle at once, and what is in use as soon as its mail is done."""
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_quit(each.client) for each in idle))


async def _quit(client: aiosmtplib.SMTP) -> None:
    if client.is_connected:
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=QUIT_SECONDS)
    client.close()
