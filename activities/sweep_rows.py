"""Ends rows whose workflow is gone, closes messages that were left behind, applies reports that came too early, and deletes rows
that nobody needs any more."""

from datetime import timedelta

from temporalio import activity

from activities.gone import GoneWorkflows
from activities.heartbeats import beating
from activities.left_behind import LeftBehind
from models.database import Database
from models.organizations import idempotency
from models.organizations.audit_log import prune_audit_log
from models.organizations.console_session import forget_old_sessions
from models.wire.sweeper import SweepRequest, SweepResult
from services.provider_reports.waiting import WaitingReports


class SweepRows:
    def __init__(
        self,
        database: Database,
        gone: GoneWorkflows,
        left_behind: LeftBehind,
        waiting_reports: WaitingReports,
        interval: timedelta | None = None,
        audit_log_kept: timedelta = timedelta(days=400),
    ) -> None:
        """`interval` is told to the sweeper with every sweep; without it the sweeper keeps its own. `audit_log_kept` is how long
        the rows of the audit log stay."""
        self._database = database
        self._gone = gone
        self._left_behind = left_behind
        self._waiting_reports = waiting_reports
        self._interval = interval
        self._audit_log_kept = audit_log_kept

    @activity.defn
    async def sweep_rows(self, request: SweepRequest) -> SweepResult:
        """The search for workflows that are gone starts where `request.watch` says."""
        async with beating():
            done = {
                "expired_keys": await self._forget_idempotency_keys(),
                "old_changes": await self._prune_audit_log(),
                "old_sessions": await self._forget_sessions(),
                "interrupted": await self._left_behind.close_messages(),
                "late_reports": await self._waiting_reports.apply(),
            }
            if request.watch is None:
                return SweepResult(done=done, interval=self._interval)
            closed, watch = await self._gone.close_rows(request.watch)
        return SweepResult(done={**done, "closed": closed}, interval=self._interval, watch=watch)

    async def _forget_idempotency_keys(self) -> int:
        async with self._database.transaction() as session:
            return await idempotency.forget_expired(session)

    async def _forget_sessions(self) -> int:
        async with self._database.transaction() as session:
            return await forget_old_sessions(session)

    async def _prune_audit_log(self) -> int:
        async with self._database.transaction() as session:
            return await prune_audit_log(session, self._audit_log_kept)
