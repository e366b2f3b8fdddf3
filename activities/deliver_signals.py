"""From the outbox to the workflow that waits: a click signals the person's enrollment, or starts a campaign's follow-up.

Used by the redirect right after its commit, and by the worker's sweeper for what a crash or an outage left. Both may run at
once: a signal is claimed before it is delivered, and Temporal drops a second delivery of the same click (`request_id`).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client.core import Metric
from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.crashpoint import crashpoint
from activities.held_clicks import HeldClicks
from activities.meters import counter
from activities.starter import Starter
from models import enrollment, signals, wire
from models.click_inbox import LinkOfRecipient
from models.database import Database
from models.signals import DueSignal, Outcome

log = structlog.get_logger()

BATCH = 100
AT_ONCE = 20
RPC_TIMEOUT = timedelta(seconds=5)
# Longer than one batch can take: 100 signals, 20 at a time, 5 s each.
LEASE = timedelta(seconds=40)
FIRST_RETRY, LAST_RETRY = timedelta(seconds=1), timedelta(minutes=5)

# What the client raises when Temporal does not take a call; RuntimeError: it was never connected (lazy) and cannot.
TEMPORAL_AWAY = (RPCError, RuntimeError)


class SignalDelivery:
    """Delivers open signals in batches of at most 100."""

    def __init__(self, database: Database, client: Client, starter: Starter) -> None:
        self._database = database
        self._client = client
        self._starter = starter
        self.held = HeldClicks(database)
        # Settled by this process since its start, by outcome; `retry`: left for later.
        self.outcomes: Counter[tuple[str, ...]] = Counter()

    def read(self) -> Iterator[Metric]:
        yield counter("linkwake_signals", "Signals settled by this process; retry: left for later.", ["outcome"], self.outcomes)

    async def deliver(self, links: Sequence[LinkOfRecipient]) -> int:
        """Those of these links' signals that are due. How many were settled."""
        settled = 0
        for start in range(0, len(links), BATCH):
            settled += (await self._batch(links[start : start + BATCH]))[1]
        return settled

    async def sweep(self) -> int:
        """All that are due, oldest first, those of held clicks that a dead process left undecided included. How many were
        settled."""
        await self.held.decide()
        total = 0
        while True:
            claimed, settled = await self._batch(None)
            total += settled
            if claimed < BATCH:
                return total

    async def _batch(self, links: Sequence[LinkOfRecipient] | None) -> tuple[int, int]:
        async with self._database.transaction() as session:
            claimed = await signals.claim_signals(session, BATCH, LEASE, links)
            early = [each.link for each in claimed if each.is_early]
            await signals.settle_signals(session, early, Outcome.NOT_HUMAN)
        if claimed:
            crashpoint("claimed")
        self.outcomes[Outcome.NOT_HUMAN.value,] += len(early)
        due = [each for each in claimed if not each.is_early]
        campaigns: defaultdict[UUID, list[DueSignal]] = defaultdict(list)
        for each in due:
            if each.campaign_id is not None:
                campaigns[each.campaign_id].append(each)
        settled = len(early) + await self._signal_enrollments([each for each in due if each.campaign_id is None])
        for campaign_id, clicks in campaigns.items():
            settled += await self._follow_up(campaign_id, clicks)
        return len(claimed), settled

    async def _signal_enrollments(self, due: Sequence[DueSignal]) -> int:
        gate = asyncio.Semaphore(AT_ONCE)

        async def attempt(each: DueSignal) -> Outcome | Exception:
            async with gate:
                try:
                    return await self._signal(each)
                except TEMPORAL_AWAY as error:
                    return error

        results = list(zip(due, await asyncio.gather(*map(attempt, due)), strict=True))
        if results:
            crashpoint("signalled")
        return await self._settle(results)

    async def _signal(self, each: DueSignal) -> Outcome:
        if each.org_id is None or each.enrollment_id is None or each.visit is None or each.step_key is None:
            return Outcome.NOBODY
        link = wire.LinkKey(visit=each.visit, position=each.position, step_key=each.step_key, name=each.name)
        payloads = await self._client.data_converter.encode([wire.ClickSignal(click_id=each.click_id, link=link)])
        request = SignalWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=wire.enrollment_workflow_id(each.org_id, each.enrollment_id)),
            signal_name="click",
            input=Payloads(payloads=payloads),
            identity=self._client.identity,
            request_id=str(each.click_id),
        )
        try:
            await self._client.workflow_service.signal_workflow_execution(request, timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND and not _namespace_is_missing(error):
                return Outcome.CLOSED
            raise
        return Outcome.DELIVERED

    async def _settle(self, results: Sequence[tuple[DueSignal, Outcome | Exception]]) -> int:
        done: defaultdict[Outcome, list[LinkOfRecipient]] = defaultdict(list)
        failed = []
        for each, result in results:
            if isinstance(result, Exception):
                failed.append((each, result))
            else:
                done[result].append(each.link)
        async with self._database.transaction() as session:
            for outcome, links in done.items():
                await signals.settle_signals(session, links, outcome)
            for each, error in failed:
                await signals.postpone_signals(session, [each.link], _retry_delay(each.attempts), str(error))
        self.outcomes.update({(outcome.value,): len(links) for outcome, links in done.items()})
        self.outcomes["retry",] += len(failed)
        if failed:
            log.warning("signals left for later", count=len(failed), error=str(failed[0][1]))
        return len(results) - len(failed)

    async def _follow_up(self, campaign_id: UUID, clicks: Sequence[DueSignal]) -> int:
        """The enrollment is the durable part; if its workflow cannot be started now, the sweeper starts it."""
        contacts = [each.contact_id for each in clicks if each.contact_id is not None]
        async with self._database.transaction() as session:
            enrollments = await enrollment.create_follow_ups(session, campaign_id, contacts)
            await signals.settle_signals(session, [each.link for each in clicks], Outcome.FOLLOWED_UP)
        self.outcomes[Outcome.FOLLOWED_UP.value,] += len(clicks)
        try:
            await self._starter.start_enrollments(enrollments)
        except TEMPORAL_AWAY as error:
            log.warning("follow-ups left to the sweeper", count=len(enrollments), error=str(error))
        return len(clicks)


def _namespace_is_missing(error: RPCError) -> bool:
    """A wrong setting or a server that was made anew: that says nothing about the workflow."""
    return any(detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details)


def _retry_delay(attempts: int) -> timedelta:
    """1 s, 2 s, 4 s … at most 5 minutes. `attempts` counts from 1."""
    return min(FIRST_RETRY * int(2 ** min(attempts - 1, 20)), LAST_RETRY)
