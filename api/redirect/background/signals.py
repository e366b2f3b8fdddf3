"""After the commit, wakes the recorder and delivers the signals and commands that this commit made. It runs in the background and
never raises: what fails here is found by the recorder's timer and by the worker's sweeper."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from temporalio.client import Client

from api.http.within import within
from api.redirect.background.closing import finish, pause
from models.clicks.inbox import InboxClick, LinkOfRecipient, shard_of
from models.wire.clicks import RecorderInput
from models.wire.names import PLATFORM_QUEUE, recorder_workflow_id
from safe_errors import describe
from services.commands.deliver import CommandDelivery
from services.deliver_signals import SignalDelivery
from services.signalling import TEMPORAL_AWAY

log = structlog.get_logger()

WAKE_PAUSE = 1.0
"""Seconds between two wakes of a recorder. Each is a signal, an activity and two workflow tasks, half of what the step costs that
a click advances; a workflow takes about five signals a second, and other processes wake it too."""
AWAY_PAUSE = 5.0
RPC_TIMEOUT = timedelta(seconds=5)
WORK_SECONDS = 60.0
"""Seconds after which a silent database no longer stops later signals. What is under way then is left to the sweeper."""


class AfterCommit:
    """`stored` is what the journal calls, and `told` what unsubscribes call. Three loops do the work, and each joins what comes
    while it is busy."""

    def __init__(self, client: Client, delivery: SignalDelivery, commands: CommandDelivery, shards: int) -> None:
        self._client = client
        self._delivery = delivery
        self._commands = commands
        self._shards = shards
        self._to_wake: set[int] = set()
        self._to_deliver: list[LinkOfRecipient] = []
        self._to_tell: list[UUID] = []
        self._wake, self._deliver, self._tell, self._stop = asyncio.Event(), asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._problems: dict[str, str] = {}

    @property
    def problem(self) -> str | None:
        return next(iter(self._problems.values()), None)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._forever("wake", self._wake, self._wake_recorders))]
        self._tasks.append(asyncio.create_task(self._forever("deliver", self._deliver, self._deliver_signals)))
        self._tasks.append(asyncio.create_task(self._forever("tell", self._tell, self._deliver_commands)))

    async def close(self) -> None:
        self._stop.set()
        self._wake.set()
        self._deliver.set()
        self._tell.set()
        await finish(self._tasks)

    def stored(self, clicks: Sequence[InboxClick | LinkOfRecipient], links: Sequence[LinkOfRecipient]) -> None:
        self._to_wake |= {shard_of(click.content_id, click.recipient_number, self._shards) for click in clicks}
        self._wake.set()
        if links:
            self._to_deliver += links
            self._deliver.set()

    def told(self, command_ids: Sequence[UUID]) -> None:
        """Call this after the commit that has written these commands."""
        if command_ids:
            self._to_tell += command_ids
            self._tell.set()

    async def _forever(self, name: str, event: asyncio.Event, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while not self._stop.is_set():
            await event.wait()
            event.clear()
            try:
                await within(WORK_SECONDS, work())
                self._problems.pop(name, None)
            except Exception as error:  # left to the recorder's timer and the sweeper
                if name not in self._problems:
                    log.warning("left to the worker", what=name, error=error)
                self._problems[name] = f"Temporal: {describe(error)}" if isinstance(error, TEMPORAL_AWAY) else describe(error)
                await pause(self._stop, AWAY_PAUSE)

    async def _wake_recorders(self) -> None:
        shards, self._to_wake = self._to_wake, set()
        for shard in sorted(shards):
            # This starts the recorder if it does not run yet.
            await self._client.start_workflow(
                "ClickRecorder",
                RecorderInput(shard=shard, shards=self._shards),
                id=recorder_workflow_id(shard),
                task_queue=PLATFORM_QUEUE,
                start_signal="wake",
                rpc_timeout=RPC_TIMEOUT,
            )
        await pause(self._stop, WAKE_PAUSE)

    async def _deliver_signals(self) -> None:
        links, self._to_deliver = self._to_deliver, []
        await self._delivery.deliver(links)

    async def _deliver_commands(self) -> None:
        command_ids, self._to_tell = self._to_tell, []
        await self._commands.deliver(command_ids)
