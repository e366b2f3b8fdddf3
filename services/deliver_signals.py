"""Brings clicks from the outbox to the workflow that waits: a click signals the person's enrollment.

It is used by the redirect right after its commit, and by the worker's sweeper for what a crash or an outage left. Both may run at
once: a signal is claimed before it is delivered, and Temporal drops a second delivery of the same click (`request_id`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import structlog
from prometheus_client.core import Metric
from temporalio.client import Client

from models.clicks import outbox as signals
from models.clicks.inbox import LinkOfRecipient
from models.clicks.outbox import DueSignal, Outcome
from models.database import Database
from models.retry import Postponed, retry_delay
from models.wire.clicks import ClickSignal, LinkKey
from models.wire.names import enrollment_workflow_id
from safe_errors import describe
from services.clicks.held_clicks import HeldClicks
from services.process.crashpoint import crashpoint
from services.process.meters import counter
from services.signalling import BATCH, LEASE, attempt_all, signal_workflow

log = structlog.get_logger()


class SignalDelivery:
    """Delivers open signals in batches of at most 100."""

    def __init__(self, database: Database, client: Client) -> None:
        self._database = database
        self._client = client
        self.held = HeldClicks(database)
        # Counts what this process has delivered since its start, by outcome; `retry` means left for later.
        self.outcomes: Counter[tuple[str, ...]] = Counter()

    def read(self) -> Iterator[Metric]:
        yield counter(
            "linkwake_signals",
            "Signals that this process delivered or gave up; retry: left for later.",
            ["outcome"],
            self.outcomes,
        )

    async def deliver(self, links: Sequence[LinkOfRecipient]) -> int:
        """Delivers those of these links' signals that are due, and returns how many."""
        done = 0
        for start in range(0, len(links), BATCH):
            done += (await self._batch(links[start : start + BATCH]))[1]
        return done

    async def sweep(self) -> tuple[int, bool]:
        """Delivers one batch of those that are due, the longest waiting first. Signals of held clicks that a dead process left
        undecided are included. Returns how many were delivered, and whether more may be due."""
        await self.held.decide()
        claimed, done = await self._batch(None)
        return done, claimed == BATCH

    async def _batch(self, links: Sequence[LinkOfRecipient] | None) -> tuple[int, int]:
        async with self._database.transaction() as session:
            claimed = await signals.claim_signals(session, BATCH, LEASE, links)
            early = [each.link for each in claimed if each.is_early]
            await signals.mark_signals(session, dict.fromkeys(early, Outcome.NOT_HUMAN))
        if claimed:
            crashpoint("claimed")
        self.outcomes[Outcome.NOT_HUMAN.value,] += len(early)
        due = [each for each in claimed if not each.is_early]
        done = len(early) + await self._signal_enrollments(due)
        return len(claimed), done

    async def _signal_enrollments(self, due: Sequence[DueSignal]) -> int:
        results = await attempt_all(due, self._signal)
        if results:
            crashpoint("signalled")
        return await self._record_results(results)

    async def _signal(self, each: DueSignal) -> Outcome:
        if each.org_id is None or each.enrollment_id is None or each.step_run is None or each.step_key is None:
            return Outcome.NOBODY
        link = LinkKey(step_run=each.step_run, position=each.position, step_key=each.step_key, name=each.name)
        signal = ClickSignal(click_id=each.click_id, link=link)
        workflow_id = enrollment_workflow_id(each.enrollment_id)
        told = await signal_workflow(self._client, workflow_id, "click", signal, each.click_id)
        return Outcome.DELIVERED if told else Outcome.CLOSED

    async def _record_results(self, results: Sequence[tuple[DueSignal, Outcome | Exception]]) -> int:
        marks = {each.link: _mark(each, result) for each, result in results}
        async with self._database.transaction() as session:
            await signals.mark_signals(session, marks)
        self.outcomes.update((mark.value,) for mark in marks.values() if isinstance(mark, Outcome))
        failed = [result for _, result in results if isinstance(result, Exception)]
        self.outcomes["retry",] += len(failed)
        if failed:
            log.warning("signals left for later", count=len(failed), error=failed[0])
        return len(results) - len(failed)


def _mark(each: DueSignal, result: Outcome | Exception) -> Outcome | Postponed:
    return Postponed(retry_delay(each.attempts), describe(result)) if isinstance(result, Exception) else result
