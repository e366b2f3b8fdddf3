"""Brings a command from its row to the workflow of its enrollment, as clicks are brought: right after the commit, and by the
worker's sweeper for what a crash or an outage left.

An enrollment whose workflow Temporal does not run is changed in its rows instead.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal
from uuid import UUID

import structlog
from prometheus_client.core import Metric
from temporalio.client import Client

from models.commands.command import CommandKind, CommandOutcome, DueCommand, claim_commands, mark_commands
from models.database import Database
from models.retry import Postponed, retry_delay
from models.sequences.waiting_for_channel import free_waiting
from models.wire.commands import Command
from models.wire.names import enrollment_workflow_id
from safe_errors import describe
from services.commands.handler import CommandHandler
from services.commands.registry import HANDLERS
from services.process.meters import counter
from services.signalling import BATCH, LEASE, attempt_all, signal_workflow

log = structlog.get_logger()


class CommandDelivery:
    """Delivers open commands in batches of at most 100. Those of one enrollment arrive in the order in which they were given."""

    def __init__(self, database: Database, client: Client, handlers: Mapping[CommandKind, CommandHandler] = HANDLERS) -> None:
        self._database = database
        self._client = client
        self._handlers = handlers
        # Counts what this process has delivered since its start, by outcome; `retry` means left for later.
        self.outcomes: Counter[tuple[str, ...]] = Counter()

    def read(self) -> Iterator[Metric]:
        yield counter(
            "linkwake_commands", "Commands that this process delivered; retry: left for later.", ["outcome"], self.outcomes
        )

    async def deliver(self, ids: Sequence[UUID]) -> int:
        """Delivers those of these commands that are due. Returns how many were delivered."""
        done = 0
        for start in range(0, len(ids), BATCH):
            done += (await self._batch(ids[start : start + BATCH]))[1]
        return done

    async def sweep(self) -> tuple[int, bool]:
        """Delivers one batch of those that are due, the longest waiting first, with those for whom a channel has been resumed.
        Returns how many were delivered, and whether more may be due."""
        async with self._database.transaction() as session:
            await free_waiting(session, BATCH)
        claimed, done = await self._batch(None)
        return done, claimed == BATCH

    async def _batch(self, ids: Sequence[UUID] | None) -> tuple[int, int]:
        async with self._database.transaction() as session:
            claimed = await claim_commands(session, self._handlers, BATCH, LEASE, ids)
        results = await attempt_all(claimed, self._tell)
        without_workflow = [each for each, told in results if told is False]
        changed = await attempt_all(without_workflow, self._change_rows, at_once=1)
        ends = [(each, told) for each, told in results if told is not False] + changed
        return len(claimed), await self._record(ends)

    async def _tell(self, command: DueCommand) -> CommandOutcome | Literal[False]:
        """Returns False when there is no workflow to tell."""
        argument = Command(command_id=command.id, kind=command.kind, detail=command.detail)
        workflow_id = enrollment_workflow_id(command.enrollment_id)
        told = await signal_workflow(self._client, workflow_id, "command", argument, command.id)
        return CommandOutcome.DELIVERED if told else False

    async def _change_rows(self, command: DueCommand) -> CommandOutcome:
        """The change and the command's outcome are one transaction."""
        async with self._database.transaction() as session:
            await self._handlers[command.kind].without_workflow(session, command)
            await mark_commands(session, {command.id: CommandOutcome.NO_WORKFLOW})
        return CommandOutcome.NO_WORKFLOW

    async def _record(self, ends: Sequence[tuple[DueCommand, CommandOutcome | Exception]]) -> int:
        """Writes down what became of the commands. Returns how many were delivered; the others are due again later."""
        marks = {each.id: _mark(each, end) for each, end in ends}
        async with self._database.transaction() as session:
            await mark_commands(session, marks)
        self.outcomes.update((mark.value,) for mark in marks.values() if isinstance(mark, CommandOutcome))
        failed = [end for _, end in ends if isinstance(end, Exception)]
        self.outcomes["retry",] += len(failed)
        if failed:
            log.warning("commands left for later", count=len(failed), error=failed[0])
        return len(ends) - len(failed)


def _mark(command: DueCommand, end: CommandOutcome | Exception) -> CommandOutcome | Postponed:
    return Postponed(retry_delay(command.attempts), describe(end)) if isinstance(end, Exception) else end
