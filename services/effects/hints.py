"""What is done as soon as an effect is committed, so that nobody waits for a sweeper. Every part of it may be lost."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import structlog

from services.commands.deliver import CommandDelivery
from services.enroll import start
from services.process.doorbell import Doorbell
from services.starter import Starter

log = structlog.get_logger()


class Hints:
    """Holds what its process starts workflows, delivers commands and has teams told with."""

    def __init__(self, starter: Starter, commands: CommandDelivery) -> None:
        self._starter = starter
        self._commands = commands
        self._notifications = Doorbell(partial(starter.ring_sweeper, "notifications"))

    async def give(self, enrollments: Sequence[UUID] = (), commands: Sequence[UUID] = (), *, notified: bool = False) -> None:
        """Starts the enrollments' workflows and delivers the commands. With `notified`, items wait for teams, and their sweeper
        is woken. Raises nothing: the sweepers do what fails here."""
        if notified:
            self._notifications.press()
        try:
            if enrollments:
                await start(self._starter, enrollments)
            if commands:
                await self._commands.deliver(commands)
        except Exception as error:
            log.warning("left to the sweepers", enrollments=len(enrollments), commands=len(commands), error=error)
