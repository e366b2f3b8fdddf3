"""Tells workflows of commands that have just been committed, for callers that have to answer soon."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from services.commands.deliver import CommandDelivery

log = structlog.get_logger()

TELL_SECONDS = 2
"""Seconds that workflows are waited for; the sweeper tells those that have not heard until then."""


async def tell(commands: CommandDelivery | None, command_ids: Sequence[UUID]) -> None:
    """Never raises, because the commands hold from their commit on. With `commands` None, the sweeper delivers them all."""
    if commands is None or not command_ids:
        return
    try:
        async with asyncio.timeout(TELL_SECONDS):
            await commands.deliver(command_ids)
    except Exception as error:
        log.warning("commands left to the sweeper", commands=len(command_ids), error=error)
