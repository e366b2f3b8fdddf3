"""Finds rows whose workflow somebody terminated, deleted or let fail in Temporal, and ends them. Such a workflow runs no code, so
nobody else would.

Two looks: at what closed since the last one, and, round by round, whether what waits is still running. Temporal's list is written
a moment after the fact, so it only names candidates: each is asked for by its id, which is answered from the workflow itself.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from models.database import Database
from models.platform import gone
from models.platform.gone import Gone, WaitingRow
from models.wire.names import row_of
from models.wire.sweeper import Watch
from services.signalling import is_gone

log = structlog.get_logger()

EVERY = timedelta(seconds=8)
"""The shortest time between two searches, however short the time between two sweeps is."""
OVERLAP = timedelta(minutes=2)
"""Each search begins this long before the last one ended, because Temporal's list may be written later than the fact."""
PAGE = 200
ROUND = 1000
"""Enrollments that one search compares with what runs, in five calls to Temporal."""
MOST = 2000
"""Rows of closed workflows that one search ends. When somebody terminates more at once, the next search begins at the same place:
what is ended by then is found ended."""
AT_ONCE = 10
RPC_TIMEOUT = timedelta(seconds=10)

CLOSED = (
    "WorkflowType IN ('SequenceEnrollment', 'CampaignLaunch', 'ContactImport') "
    "AND ExecutionStatus IN ('Terminated', 'Canceled', 'TimedOut', 'Failed')"
)
REASONS = {
    WorkflowExecutionStatus.TERMINATED: Gone.TERMINATED,
    WorkflowExecutionStatus.CANCELED: Gone.CANCELED,
    WorkflowExecutionStatus.TIMED_OUT: Gone.TIMED_OUT,
    WorkflowExecutionStatus.FAILED: Gone.FAILED,
    WorkflowExecutionStatus.COMPLETED: Gone.ENDED,
}


class GoneWorkflows:
    def __init__(self, database: Database, client: Client) -> None:
        self._database = database
        self._client = client

    async def close_rows(self, watch: Watch) -> tuple[int, Watch]:
        """Returns how many rows were ended, and how far the search has come now. Without Temporal's list it stays where it
        was."""
        looked_at = datetime.now(UTC)
        if watch.closed_until is not None and looked_at - watch.closed_until < EVERY:
            return 0, watch
        try:
            closed, all_seen = await self._close_closed(watch)
            missing, last = await self._close_missing(watch)
        except RPCError as error:
            log.warning("workflows that are gone were not looked for", error=error)
            return 0, watch
        closed_until = looked_at if all_seen else watch.closed_until
        return closed + missing, Watch(since=watch.since, closed_until=closed_until, enrollment=last)

    async def _close_closed(self, watch: Watch) -> tuple[int, bool]:
        """Ends the rows of what was terminated, canceled, timed out or failed since the last search, page by page. Returns how
        many were ended, and whether all of it was looked at."""
        since = f" AND CloseTime > '{(watch.closed_until - OVERLAP).isoformat()}'" if watch.closed_until else ""
        ended = 0
        async for ids in self._pages(CLOSED + since):
            rows = [row for each in ids if (row := row_of(each)) is not None]
            async with self._database.transaction() as session:
                waiting = await gone.waiting_among(session, rows)
            ended += await self._close(waiting, watch)
            if ended >= MOST:
                return ended, False
        return ended, True

    async def _close_missing(self, watch: Watch) -> tuple[int, UUID | None]:
        """Ends the next rows of the round whose workflow is not among those that run. Returns how many, and the last enrollment
        that was looked at, which is None when a new round begins."""
        async with self._database.transaction() as session:
            rows = await gone.next_waiting(session, watch.enrollment, ROUND)
        ended = 0
        for start in range(0, len(rows), PAGE):
            some = rows[start : start + PAGE]
            running = await self._running(some)
            ended += await self._close([row for row in some if row.workflow_id not in running], watch)
        enrollments = [row.id for row in rows if row.kind == "enrollment"]
        return ended, max(enrollments) if len(enrollments) == ROUND else None

    async def _running(self, rows: Sequence[WaitingRow]) -> set[str]:
        wanted = ", ".join(f"'{row.workflow_id}'" for row in rows)
        query = f"ExecutionStatus = 'Running' AND WorkflowId IN ({wanted})"
        return {each async for ids in self._pages(query) for each in ids}

    async def _pages(self, query: str) -> AsyncIterator[list[str]]:
        found = self._client.list_workflows(query, page_size=PAGE, rpc_timeout=RPC_TIMEOUT)
        while found.next_page_token is not None or found.current_page is None:
            await found.fetch_next_page()
            yield [each.id for each in found.current_page or ()]

    async def _close(self, rows: Sequence[WaitingRow], watch: Watch) -> int:
        gate = asyncio.Semaphore(AT_ONCE)

        async def attempt(row: WaitingRow) -> bool:
            async with gate:
                why = await self._why(row, watch)
                if why is None:
                    return False
                async with self._database.transaction() as session:
                    closed = await gone.close(session, row, why)
            if closed:
                log.warning("the row of a workflow that is gone was closed", workflow_id=row.workflow_id, reason=why.value)
            return closed

        return sum(await asyncio.gather(*map(attempt, rows)))

    async def _why(self, row: WaitingRow, watch: Watch) -> Gone | None:
        """Returns why the workflow is gone. Returns None when it runs (perhaps in a new run), or when this server may never have
        known it."""
        try:
            run = await self._client.get_workflow_handle(row.workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if not is_gone(error):
                raise
            return Gone.DELETED if row.started_at > watch.since else None
        return REASONS.get(run.status) if run.status else None
