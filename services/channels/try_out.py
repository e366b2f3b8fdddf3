"""Tests and checks a channel as its row says it is, apart from the channels that are open for sending."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from models.channels.channel import Channel as ChannelRow
from models.channels.channel import Medium
from models.contacts.input import normal_email
from models.contacts.phone import normal_phone
from models.errors import Invalid
from safe_errors import describe
from services.channels.base import Channel, Check, Outside, TestStep
from services.channels.configure import read_config
from services.channels.registry import CHANNEL_TYPES
from services.secrets.secrets import Secrets, Undecipherable

SECONDS = 40.0
"""How long a test or a check may take: less than the time in which every request is answered (`api/http/time_limit.py`)."""
TESTED_AGAIN_AFTER = timedelta(seconds=10)
T = TypeVar("T")


class CannotTry(Exception):
    """The channel could not be tried. The text says what to do and quotes nobody."""


def tested_address(medium: Medium, text: str) -> str:
    """Returns the address in the form in which contacts have it. Raises Invalid, with the field `to_address`."""
    try:
        return normal_phone(text) if medium == Medium.SMS else normal_email(text)
    except ValueError as error:
        raise Invalid.field("to_address", f"{str(error)[:1].upper()}{str(error)[1:].rstrip('.')}.") from None


async def test_channel(row: ChannelRow, to_address: str, outside: Outside, secrets: Secrets) -> list[TestStep]:
    """Returns each step up to the first one that failed. There is always one, and nothing is raised."""
    try:
        return list(await _try(row, outside, secrets, lambda channel: channel.test(to_address)))
    except CannotTry as error:
        return [TestStep("settings", ok=False, error=str(error))]


async def check_channel(row: ChannelRow, outside: Outside, secrets: Secrets) -> list[Check]:
    """Returns what can be seen of the channel from outside. Nothing is raised."""
    try:
        return list(await _try(row, outside, secrets, lambda channel: channel.check()))
    except CannotTry as error:
        return [Check("settings", ok=False, detail=str(error))]


async def _try(
    row: ChannelRow, outside: Outside, secrets: Secrets, work: Callable[[Channel], Awaitable[Sequence[T]]]
) -> Sequence[T]:
    try:
        channel = CHANNEL_TYPES[row.kind].open(read_config(row, secrets), outside)
    except Undecipherable as error:
        raise CannotTry(f"{error} Or write the channel's secrets again.") from None
    try:
        async with asyncio.timeout(SECONDS):
            return await work(channel)
    except TimeoutError:
        raise CannotTry(f"It took more than {SECONDS:g} s. Check the host and the port, and try again.") from None
    except Exception as error:  # whatever the channel does, its caller gets an answer
        raise CannotTry(f"The channel failed in a way that it does not know: {describe(error)}.") from None
    finally:
        with suppress(Exception):
            await channel.close()
